// Where a key set comes from, without what is made of it.
#pragma once

#include <string>
#include <string_view>

namespace herald::sidecar {

// Gets what a source finds. Both are called on the loop, at any time, and never destroy the source.
class KeyTaker {
  public:
    // Bytes as they came; false where they are no key set, which has been said.
    virtual bool on_bytes(std::string_view bytes) = 0;
    // None could be had. The last good one stays.
    virtual void on_failure(std::string_view reason) = 0;

  protected:
    ~KeyTaker() = default;
};

class KeySource {
  public:
    virtual ~KeySource() = default;
    // Somebody misses a key in the set: looks again soon.
    virtual void refetch() noexcept = 0;
};

}  // namespace herald::sidecar
