// What [ingest] of herald.toml says.
#pragma once

#include <cstdint>
#include <string>

namespace herald::sidecar {

struct IngestConfig {
    bool enabled = false;    // the table is there
    std::string registry{};  // absolute
    std::string channel = "trafalgar:ingest";
    uint64_t poll_ms = 5000;
    uint64_t max_size = 64 << 20;  // bytes of the file
};

}  // namespace herald::sidecar
