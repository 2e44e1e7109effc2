// What may be secret is held against the two ways to name a secret, and is not looked up here.
#include "sidecar/config_dashboard.hpp"

#include "ring/names.hpp"
#include "sidecar/http_fetch.hpp"
#include "sidecar/secret.hpp"
#include "sidecar/views/upstream_headers.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kMinBytes = 1 << 10;
constexpr uint64_t kMaxBytes = 32 << 20;  // reading takes about ten times as much
constexpr uint64_t kMaxTimeoutMs = 60'000;

// An integer from `least` to `most`; `value` stays as it is where there is none.
template <class Number>
void read_count(TableReader& table, const std::string& key, int64_t least, int64_t most,
                Number& value) {
    const auto number = table.integer(key);
    if (!number)
        return;
    if (*number < least || *number > most)
        table.refuse(key, "is " + std::to_string(*number) + "; expected " + std::to_string(least) +
                              " to " + std::to_string(most));
    else
        value = static_cast<Number>(*number);
}

void read_url(TableReader& table, const std::string& key, std::string& url) {
    const auto text = table.string(key);
    if (!text)
        return;
    url = *text;
    if (const std::string fault = fault_of_url(url, true); !fault.empty())
        table.refuse(key, "is " + fault);
}

void read_secret_name(TableReader& table, const std::string& key, std::string& place) {
    const auto text = table.string(key);
    if (!text)
        return;
    place = *text;
    if (const std::string fault = fault_of_secret_name(place); !fault.empty())
        table.refuse(key, fault);
}

void read_headers(TableReader& table, DashboardConfig& dashboard, Problems& problems) {
    const toml::value* headers = table.table("headers");
    if (headers == nullptr)
        return;
    for (const auto& [name, value] : headers->as_table()) {
        if (!value.is_string()) {
            problems.add(line_of(value), "[dashboard] headers \"" + name + "\" is " +
                                             kind_of(value) + "; expected a string in quotes");
            continue;
        }
        const std::string& text = value.as_string().str;
        if (const std::string fault = UpstreamHeaders::fault_of(name, text); !fault.empty())
            problems.add(line_of(value), "[dashboard] headers \"" + name + "\" " + fault);
        dashboard.headers.emplace_back(name, text);
    }
}

void read_bounds(TableReader& table, DashboardConfig& dashboard) {
    if (const auto ms = table.duration_or_off("timeout")) {
        if (*ms == 0 || *ms > kMaxTimeoutMs)
            table.refuse("timeout", "is no time from 1s to " + format_duration(kMaxTimeoutMs));
        else
            dashboard.timeout_ms = *ms;
    }
    if (const auto bytes = table.size("max_bytes")) {
        if (*bytes < kMinBytes || *bytes > kMaxBytes)
            table.refuse("max_bytes", "is " + format_size(*bytes) + "; expected " +
                                          format_size(kMinBytes) + " to " + format_size(kMaxBytes));
        else
            dashboard.max_bytes = *bytes;
    }
    read_count(table, "max_redirects", 0, 10, dashboard.max_redirects);
}

void read_cache(TableReader& table, DashboardConfig& dashboard) {
    if (const auto ms = table.duration_or_off("cache_ttl")) {
        if (*ms > kMaxCacheTtlMs)
            table.refuse("cache_ttl",
                         "is " + format_duration(*ms) + "; expected \"1s\" to \"1d\", or \"off\"");
        else
            dashboard.cache_ttl_ms = *ms;
    }
    read_count(table, "cache_max_records", 1, kMaxCacheRecords, dashboard.cache_max_records);
    read_count(table, "cache_max_projects", 1, kMaxCacheProjects, dashboard.cache_max_projects);
}

void read_view(TableReader& table, const std::string& key, std::string& view) {
    const auto name = table.string(key);
    if (!name)
        return;
    view = *name;
    if (name->empty() || *name == "metrics" || *name == "cache" || *name == "projects")
        table.refuse(key, "is \"" + *name + "\"; expected the name of a [[view]]");
}

void read_shotgrid(const toml::value* value, ShotgridConfig& shotgrid, Problems& problems) {
    if (value == nullptr)
        return;
    TableReader table(value, "[dashboard.shotgrid]", problems);
    read_url(table, "url", shotgrid.url);
    while (shotgrid.url.ends_with('/'))
        shotgrid.url.pop_back();
    if (shotgrid.url.find_first_of("?#") != std::string::npos)
        table.refuse("url",
                     "has a query; expected the site alone, such as "
                     "\"https://studio.shotgrid.autodesk.com\"");
    if (const auto id = table.string("client_id")) {
        shotgrid.client_id = *id;
        if (id->empty())
            table.refuse("client_id", "is empty; expected a script's name, or where it is");
        else if (names_secret(*id) && !fault_of_secret_name(*id).empty())
            table.refuse("client_id", fault_of_secret_name(*id));
    }
    read_secret_name(table, "client_secret", shotgrid.client_secret);
    if (const auto ms = table.duration_or_off("refresh"))
        shotgrid.refresh_ms = *ms;
    read_count(table, "page_size", 1, 500, shotgrid.page_size);
    table.finish();

    for (const char* key : {"url", "client_id", "client_secret"}) {
        if (table.find(key) == nullptr)
            problems.add(line_of(*value), "[dashboard.shotgrid] has no " + std::string(key) +
                                              "; it needs url, client_id and client_secret");
    }
}

}  // namespace

std::optional<DashboardConfig> read_dashboard(const toml::value* value, Problems& problems) {
    if (value == nullptr)
        return std::nullopt;
    DashboardConfig dashboard;
    TableReader table(value, "[dashboard]", problems);
    read_url(table, "status", dashboard.status);
    read_url(table, "review", dashboard.review);
    read_headers(table, dashboard, problems);
    read_secret_name(table, "token", dashboard.token);
    read_bounds(table, dashboard);
    read_view(table, "render", dashboard.render);
    read_view(table, "ingest", dashboard.ingest);
    read_cache(table, dashboard);
    if (const auto path = table.string("projects")) {
        dashboard.projects = *path;
        if (!path->starts_with('/') || path->ends_with('/') || ring::has_control_characters(*path))
            table.refuse("projects",
                         "is \"" + *path + "\"; expected a file's absolute path, starting with /");
    }
    read_shotgrid(table.table("shotgrid"), dashboard.shotgrid, problems);
    table.finish();
    return dashboard;
}

std::string summary_of(const DashboardConfig& dashboard) {
    const auto from = [](const std::string& url) {
        return url.empty() ? std::string("nowhere") : url_for_log(url);
    };
    return "dashboard: status from " + from(dashboard.status) + ", review from " +
           from(dashboard.review) + ", projects from " + from(dashboard.shotgrid.url) + ", kept " +
           (dashboard.cache_ttl_ms == 0 ? "off" : format_duration(dashboard.cache_ttl_ms));
}

}  // namespace herald::sidecar
