// Where Redis is: redis://[user:password@]host[:port][/db] or unix:///path/to.sock[?db=N].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace herald::sidecar {

struct RedisUrl {
    std::string host = "127.0.0.1";  // name or address, without brackets; empty for a Unix socket
    uint16_t port = 6379;
    std::string path{};  // of the Unix socket; empty for TCP
    std::string user{};
    std::string password{};
    uint32_t db = 0;

    // "host:port" or "unix:PATH": for people, without user and password.
    std::string address() const;
};

// Throws std::invalid_argument, whose text says what is wrong and what would be right. It never
// has the URL's user or password in it.
RedisUrl parse_redis_url(std::string_view text);

}  // namespace herald::sidecar
