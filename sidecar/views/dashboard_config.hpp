// What [dashboard] of herald.toml says: where the upstream sections and the project registry come
// from, and how long what they say is kept.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace herald::sidecar {

struct ShotgridConfig {
    std::string url{};            // of the site, without a path's last slash; empty: there is none
    std::string client_id{};      // as they are in the file: a text, or env: or file:
    std::string client_secret{};  // env: or file:
    uint64_t refresh_ms = 600'000;
    uint32_t page_size = 500;
};

struct DashboardConfig {
    std::string status{};  // URLs; empty: there is none
    std::string review{};
    std::vector<std::pair<std::string, std::string>> headers{};  // a value may be env: or file:
    std::string token{};                                         // env: or file:; empty: none
    uint64_t timeout_ms = 10'000;
    uint64_t max_bytes = 8 << 20;
    uint32_t max_redirects = 3;

    std::string render = "render";  // names of views
    std::string ingest = "ingest";

    uint64_t cache_ttl_ms = 30'000;  // 0: nothing is kept
    uint64_t cache_max_records = 5000;
    uint64_t cache_max_projects = 50;

    std::string projects{};  // the registry's file; empty: where the environment says
    ShotgridConfig shotgrid{};
};

// Bounds of what is kept, in the file as in the environment.
constexpr uint64_t kMaxCacheTtlMs = 86'400'000;
constexpr uint64_t kMaxCacheRecords = 100'000;
constexpr uint64_t kMaxCacheProjects = 10'000;

// One line: "dashboard: status from http://..., review from ..., projects from ...".
std::string summary_of(const DashboardConfig& dashboard);

}  // namespace herald::sidecar
