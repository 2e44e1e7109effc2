// herald.toml: every key, its default and its limits (docs/config.md says the same for people).
//
// A file is right as a whole or not used at all: every problem is found and told with its line.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/ingest/ingest_config.hpp"
#include "sidecar/postgres/config.hpp"
#include "sidecar/redis_url.hpp"
#include "sidecar/views/dashboard_config.hpp"
#include "sidecar/views/view_config.hpp"

namespace herald::sidecar {

enum class Fsync {
    Always,    // before subscribers see an event
    EverySec,  // once a second, beside the events
    Never,     // when the kernel does
};

struct JournalConfig {
    Fsync fsync = Fsync::EverySec;
    uint64_t segment = 64 << 20;                      // bytes at which a new segment begins
    uint64_t retention_ms = 7 * 24 * 3600 * 1000ull;  // of segments; 0: no bound
    uint64_t max_size = uint64_t{4} << 30;            // bytes of all segments; 0: no bound
};

struct Config {
    std::string socket = "/run/herald/herald.sock";
    std::string state = "/var/lib/herald";
    std::vector<uid_t> allow{};  // may attach, besides root and this process's own user
    RedisUrl redis{};
    uint64_t ring_size = 64 << 20;   // bytes
    uint32_t max_message = 1 << 20;  // bytes
    JournalConfig journal{};
    postgres::PostgresConfig postgres{};
    std::vector<Feed> feeds{};  // no two of them claim one channel
    IngestConfig ingest{};
    std::vector<ViewConfig> views{};
    std::optional<DashboardConfig> dashboard{};
};

// Messages are "FILE:LINE: what is wrong and what would be right", at least one.
class ConfigError : public std::runtime_error {
  public:
    explicit ConfigError(std::vector<std::string> messages)
        : std::runtime_error(messages.front()), messages_(std::move(messages)) {}
    const std::vector<std::string>& messages() const { return messages_; }

  private:
    std::vector<std::string> messages_;
};

// Reads a configuration. `file` is its name in messages. `redis_url` is the value of $REDIS_URL,
// which wins over the file when it is not empty. Throws ConfigError.
Config parse_config(std::string_view text, const std::string& file, std::string_view redis_url);

// The same for a file on disk and this process's environment.
Config load_config(const std::string& path);

}  // namespace herald::sidecar
