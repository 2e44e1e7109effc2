#include "sidecar/views/dashboard_environment.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "sidecar/views/upstream_json.hpp"

namespace herald::sidecar {

namespace {

std::string text_of(const Environment& environment, const char* name) {
    const char* value = environment(name);
    return value == nullptr ? std::string() : std::string(trimmed_text(value));
}

std::optional<double> number_of(const std::string& text) {
    std::string_view rest = text;
    if (rest.starts_with('+'))
        rest.remove_prefix(1);
    double number = 0;
    const char* end = rest.data() + rest.size();
    const auto result = std::from_chars(rest.data(), end, number);
    if (result.ec != std::errc{} || result.ptr != end || std::isnan(number))
        return std::nullopt;
    return number;
}

std::string quoted_value(const char* name, const std::string& text) {
    return std::string(name) + " is \"" + text + "\"";
}

void apply_ttl(const Environment& environment, const char* name, uint64_t& ms,
               std::vector<std::string>& warnings) {
    constexpr double kMost = kMaxCacheTtlMs / 1000.0;
    const std::string text = text_of(environment, name);
    if (text.empty())
        return;
    const std::string expected =
        "; expected seconds from 0 to " + std::to_string(kMaxCacheTtlMs / 1000);
    const auto number = number_of(text);
    if (!number) {
        warnings.push_back(quoted_value(name, text) + ", which is ignored" + expected);
        return;
    }
    const double seconds = std::clamp(*number, 0.0, kMost);
    ms = static_cast<uint64_t>(std::ceil(seconds * 1000));
    if (seconds != *number)
        warnings.push_back(quoted_value(name, text) + ", for which " +
                           std::to_string(static_cast<uint64_t>(seconds)) + " is taken" + expected);
}

void apply_maximum(const Environment& environment, const char* name, uint64_t most,
                   uint64_t& setting, std::vector<std::string>& warnings) {
    const std::string text = text_of(environment, name);
    if (text.empty())
        return;
    const std::string expected = "; expected a whole number from 1 to " + std::to_string(most);
    const auto number = number_of(text);
    if (!number || *number != std::trunc(*number)) {
        warnings.push_back(quoted_value(name, text) + ", which is ignored" + expected);
        return;
    }
    // 0 and less have always been no bound.
    const bool bounded = *number >= 1 && *number <= static_cast<double>(most);
    setting = bounded ? static_cast<uint64_t>(*number) : most;
    if (!bounded)
        warnings.push_back(quoted_value(name, text) + ", for which " + std::to_string(most) +
                           " is taken" + expected);
}

}  // namespace

void apply_environment(const Environment& environment, DashboardConfig& dashboard,
                       std::vector<std::string>& warnings) {
    apply_ttl(environment, "ONEPIECE_DASHBOARD_CACHE_TTL", dashboard.cache_ttl_ms, warnings);
    apply_maximum(environment, "ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS", kMaxCacheRecords,
                  dashboard.cache_max_records, warnings);
    apply_maximum(environment, "ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS", kMaxCacheProjects,
                  dashboard.cache_max_projects, warnings);
}

std::string registry_path(const Environment& environment, const DashboardConfig& dashboard,
                          const std::string& state) {
    constexpr const char* kFile = "/dashboard-projects.json";
    if (std::string path = text_of(environment, "ONEPIECE_DASHBOARD_PROJECT_REGISTRY");
        !path.empty())
        return path;
    if (!dashboard.projects.empty())
        return dashboard.projects;
    // The XDG specification has relative paths ignored.
    if (const std::string cache = text_of(environment, "XDG_CACHE_HOME"); cache.starts_with('/'))
        return cache + "/onepiece" + kFile;
    if (const std::string home = text_of(environment, "HOME"); home.starts_with('/'))
        return home + "/.cache/onepiece" + kFile;
    return state + kFile;
}

}  // namespace herald::sidecar
