// The headers of requests to an upstream, some of whose values are secret.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald::sidecar {

class UpstreamHeaders {
  public:
    struct Lines {
        std::string error{};               // why there are none
        std::vector<std::string> lines{};  // "Name: value"
    };

    // Why a header is none; empty where it is fine. `value` may name a secret.
    static std::string fault_of(std::string_view name, std::string_view value);

    // A header that fault_of finds fine. `prefix` comes before a value that is secret.
    void add(std::string name, std::string value, std::string prefix = "");

    // With the secrets in them. May read files, so it belongs on a thread.
    Lines read() const;

  private:
    struct Header {
        std::string name{};
        std::string value{};
        std::string prefix{};
    };
    std::vector<Header> headers_{};
};

}  // namespace herald::sidecar
