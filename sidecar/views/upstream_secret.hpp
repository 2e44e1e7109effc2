// A secret, named by where it is: `env:NAME` or `file:PATH`. Its text is read when it is used, so
// that a file can be replaced while the sidecar runs, and is never in a message.
#pragma once

#include <string>
#include <string_view>

namespace herald::sidecar {

class UpstreamSecret {
  public:
    // Whether a text names a secret in one of the two ways, right or wrong.
    static bool is_named(std::string_view text);

    // Why a text names none; empty where it does.
    static std::string fault_of(std::string_view text);

    // `place`: one that fault_of finds fine.
    explicit UpstreamSecret(std::string place) : place_(std::move(place)) {}

    const std::string& place() const { return place_; }

    // One line of visible characters without spaces at its ends. Empty where there is none, and
    // `error` says why. Reads a file, so it belongs on a thread.
    std::string read(std::string& error) const;

  private:
    std::string place_;
};

}  // namespace herald::sidecar
