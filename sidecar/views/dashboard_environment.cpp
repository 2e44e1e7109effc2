#include "sidecar/views/dashboard_environment.hpp"

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

// The number of a variable, within 0 and `most`; nothing where it is not set, or no number.
std::optional<double> bounded(const Environment& environment, const char* name, double most,
                              const std::string& expected, std::vector<std::string>& warnings) {
    const std::string text = text_of(environment, name);
    if (text.empty())
        return std::nullopt;
    const auto number = number_of(text);
    if (!number) {
        warnings.push_back(quoted_value(name, text) + ", which is ignored; expected " + expected);
        return std::nullopt;
    }
    if (*number >= 0 && *number <= most)
        return number;
    const double nearest = *number < 0 ? 0 : most;
    warnings.push_back(quoted_value(name, text) + ", for which " +
                       std::to_string(static_cast<uint64_t>(nearest)) + " is taken; expected " +
                       expected);
    return nearest;
}

void apply_maximum(const Environment& environment, const char* name, uint64_t most,
                   uint64_t& setting, std::vector<std::string>& warnings) {
    const std::string expected = "a whole number from 1 to " + std::to_string(most);
    const std::string text = text_of(environment, name);
    if (const auto number = number_of(text); number && *number != std::trunc(*number)) {
        warnings.push_back(quoted_value(name, text) + ", which is ignored; expected " + expected);
        return;
    }
    const auto number = bounded(environment, name, static_cast<double>(most), expected, warnings);
    if (!number)
        return;
    setting = static_cast<uint64_t>(*number);
    if (setting != 0)
        return;
    setting = most;
    warnings.push_back(std::string(name) + " sets no bound, for which " + std::to_string(most) +
                       " is taken");
}

}  // namespace

void apply_environment(const Environment& environment, DashboardConfig& dashboard,
                       std::vector<std::string>& warnings) {
    const auto ttl =
        bounded(environment, "ONEPIECE_DASHBOARD_CACHE_TTL", kMaxCacheTtlMs / 1000.0,
                "seconds from 0 to " + std::to_string(kMaxCacheTtlMs / 1000), warnings);
    if (ttl)
        dashboard.cache_ttl_ms = static_cast<uint64_t>(std::ceil(*ttl * 1000));
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
