// A WebSocket client's handshake (RFC 6455, section 4.1): the text of both heads. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/cli/endpoint.hpp"

namespace herald::cli {

inline constexpr std::string_view kSubprotocol = "herald.v1";

// The key of a handshake, out of 16 random bytes; and what the server has to answer to it.
std::string upgrade_key(const std::array<uint8_t, 16>& random);
std::string accept_for(std::string_view key);

// The request's head. It asks for kSubprotocol. `target`: path and query; `token`: may be empty.
std::string upgrade_request(const Endpoint& endpoint, std::string_view target, std::string_view key,
                            std::string_view token);

struct UpgradeResponse {
    int status = 0;         // 0: this is no HTTP response
    std::string problem{};  // why a 101 is none; empty: all is well
    bool has_subprotocol = false;
    uint64_t retry_after_s = 0;  // 0: not given
    uint64_t body_size = 0;      // Content-Length; 0: there is none
};

// `head`: with the empty line that ends it.
UpgradeResponse read_upgrade_response(std::string_view head, std::string_view key);

}  // namespace herald::cli
