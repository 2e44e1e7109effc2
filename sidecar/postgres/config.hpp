// [postgres] of herald.toml: the database, and how long it is waited for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar::postgres {

struct PostgresConfig {
    // As it is written: "env:NAME", "file:PATH", or a connection string without a password. Empty:
    // there is no database.
    std::string url{};
    uint32_t batch = 1000;  // rows in a statement, at most
    uint64_t connect_timeout_ms = 10'000;
    uint64_t statement_timeout_ms = 30'000;
    std::vector<std::string> checkpoints{"herald_checkpoints"};  // a table's name
};

// The connection string that `url` stands for, as libpq takes it: a URI or key=value pairs. Throws
// std::invalid_argument, whose text says what is wrong, and has nothing of the string in it.
std::string read_url(const std::string& url);

}  // namespace herald::sidecar::postgres
