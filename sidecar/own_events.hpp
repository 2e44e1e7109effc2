// Events that the sidecar makes itself, on their way into the event log: they need no Redis.
#pragma once

#include <string_view>

namespace herald::sidecar {

class OwnEvents {
  public:
    // Takes an event as if it had come from Redis on this channel, which a feed claims. False: the
    // journal cannot be written now, and nothing was taken. What is no event (too large) is taken,
    // counted and logged as such.
    virtual bool add_own(std::string_view channel, std::string_view data) = 0;

    // What was taken is to be shown now, and not only when the loop has something else to do.
    virtual void commit_own() = 0;

  protected:
    ~OwnEvents() = default;
};

}  // namespace herald::sidecar
