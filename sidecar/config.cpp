// Reads herald.toml table by table. Each reader reports what is wrong and goes on with the default,
// so that one run shows every error.
#include "sidecar/config.hpp"

#include <pwd.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include "ring/names.hpp"
#include "sidecar/config_dashboard.hpp"
#include "sidecar/config_feed.hpp"
#include "sidecar/config_ingest.hpp"
#include "sidecar/config_postgres.hpp"
#include "sidecar/config_view.hpp"
#include "sidecar/files.hpp"
#include "sidecar/toml_reader.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kMinRing = 64 << 10;
constexpr uint64_t kMaxRing = uint64_t{64} << 30;
constexpr uint64_t kMinSegment = 64 << 10;
constexpr uint64_t kMaxSegment = uint64_t{1} << 30;
constexpr uint64_t kMaxMessage = 512 << 20;  // Redis carries no longer ones

// Data of this size fits beside the longest channel and event name into the half of the ring that
// a record may take.
uint64_t largest_message(uint64_t ring_size) {
    const uint64_t around =
        sizeof(ring::RecordHeader) + ring::kMaxChannelLength + ring::kMaxEventLength;
    return std::min(kMaxMessage, ring_size / 2 - ring::aligned(around));
}

// A path as TOML string, absolute so that it means the same wherever the sidecar is started.
void read_path(TableReader& table, const std::string& key, std::string& path) {
    const auto text = table.string(key);
    if (!text)
        return;
    path = *text;
    if (text->starts_with("unix:"))
        table.refuse(key, "is a path; leave out \"unix:\"");
    else if (!text->starts_with('/') || ring::has_control_characters(*text))
        table.refuse(key, "is \"" + *text + "\"; expected an absolute path, starting with /");
}

void read_allow(TableReader& table, Config& config, Problems& problems) {
    const toml::value* value = table.find("allow");
    if (value == nullptr) {
        for (const char* name : {"www-data", "nginx"}) {
            if (const passwd* user = getpwnam(name))
                config.allow.push_back(user->pw_uid);
        }
        return;
    }
    if (!value->is_array()) {
        table.refuse("allow", "is " + kind_of(*value) +
                                  "; expected an array of user names, such as [\"www-data\"]");
        return;
    }
    for (const toml::value& name : value->as_array()) {
        if (!name.is_string()) {
            problems.add(line_of(name), "[sidecar] allow holds " + kind_of(name) +
                                            "; expected user names in quotes");
            continue;
        }
        const std::string& text = name.as_string().str;
        if (const passwd* user = getpwnam(text.c_str()))
            config.allow.push_back(user->pw_uid);
        else
            problems.add(line_of(name), "[sidecar] allow names the user \"" + text +
                                            "\", whom this machine does not have");
    }
}

void read_sidecar(const toml::value* value, Config& config, Problems& problems) {
    TableReader table(value, "[sidecar]", problems);
    read_path(table, "socket", config.socket);
    read_path(table, "state", config.state);
    constexpr size_t kRoom = sizeof(sockaddr_un::sun_path) - 1;
    if (config.socket.size() > kRoom)
        table.refuse("socket", "has " + std::to_string(config.socket.size()) +
                                   " bytes; a Unix socket's path has at most " +
                                   std::to_string(kRoom));
    read_allow(table, config, problems);
    table.finish();
}

void read_redis(const toml::value* value, std::string_view from_environment, Config& config,
                Problems& problems) {
    TableReader table(value, "[redis]", problems);
    if (const auto url = table.string("url")) {
        try {
            config.redis = parse_redis_url(*url);
        } catch (const std::invalid_argument& error) {
            table.refuse("url", error.what());
        }
    }
    table.finish();

    if (from_environment.empty())
        return;
    try {
        config.redis = parse_redis_url(from_environment);
    } catch (const std::invalid_argument& error) {
        problems.add(0, "the environment's REDIS_URL " + std::string(error.what()));
    }
}

void read_ring(const toml::value* value, Config& config, Problems& problems) {
    TableReader table(value, "[ring]", problems);
    const auto size = table.size("size");
    const auto max_message = table.size("max_message");
    table.finish();

    if (size) {
        if (*size < kMinRing || *size > kMaxRing) {
            table.refuse("size", "is " + format_size(*size) + "; expected " +
                                     format_size(kMinRing) + " to " + format_size(kMaxRing));
            return;
        }
        config.ring_size = *size;
    }

    const uint64_t largest = largest_message(config.ring_size);
    if (!max_message) {
        config.max_message =
            static_cast<uint32_t>(std::min<uint64_t>(config.max_message, config.ring_size / 4));
    } else if (*max_message < 1 || *max_message > largest) {
        table.refuse("max_message", "is " + format_size(*max_message) + "; expected 1 to " +
                                        std::to_string(largest) + " bytes with a ring of " +
                                        format_size(config.ring_size) +
                                        " (half of it, less a record's header, at most 512M)");
    } else {
        config.max_message = static_cast<uint32_t>(*max_message);
    }
}

void read_fsync(TableReader& table, JournalConfig& journal) {
    const auto text = table.string("fsync");
    if (!text)
        return;
    if (*text == "always")
        journal.fsync = Fsync::Always;
    else if (*text == "everysec")
        journal.fsync = Fsync::EverySec;
    else if (*text == "never")
        journal.fsync = Fsync::Never;
    else
        table.refuse("fsync",
                     "is \"" + *text + "\"; expected \"always\", \"everysec\" or \"never\"");
}

void read_journal(const toml::value* value, JournalConfig& journal, Problems& problems) {
    TableReader table(value, "[journal]", problems);
    read_fsync(table, journal);
    const auto segment = table.size("segment");
    journal.retention_ms = table.duration_or_off("retention").value_or(journal.retention_ms);
    const auto max_size = table.size_or_off("max_size");
    table.finish();

    if (segment) {
        if (*segment < kMinSegment || *segment > kMaxSegment) {
            table.refuse("segment", "is " + format_size(*segment) + "; expected " +
                                        format_size(kMinSegment) + " to " +
                                        format_size(kMaxSegment));
            return;
        }
        journal.segment = *segment;
    }
    if (max_size && *max_size != 0 && *max_size < 2 * journal.segment)
        table.refuse("max_size", "is " + format_size(*max_size) +
                                     "; expected at least two segments, " +
                                     format_size(2 * journal.segment) + ", or \"off\"");
    else
        journal.max_size = max_size.value_or(journal.max_size);
}

// toml11 explains in several lines with a drawing; this keeps the sentence and the hint.
std::string summary(std::string_view what) {
    std::string_view first = what.substr(0, what.find('\n'));
    for (std::string_view prefix : {"[error] ", "toml::"}) {
        if (first.starts_with(prefix))
            first.remove_prefix(prefix.size());
    }
    if (const size_t colon = first.find(": "); colon != first.npos)
        first.remove_prefix(colon + 2);

    std::string text = "not TOML: " + std::string(first);
    const size_t arrow = what.find("^---");
    if (arrow != what.npos) {
        const std::string_view hint = what.substr(arrow + 4, what.find('\n', arrow) - arrow - 4);
        if (hint.size() > 1 && hint != " here")
            text += " (" + std::string(hint.substr(1)) + ")";
    }
    return text;
}

toml::value parse_toml(std::string_view text, const std::string& file, Problems& problems) {
    try {
        std::istringstream stream{std::string(text)};
        return toml::parse(stream, file);
    } catch (const toml::exception& error) {
        problems.add(static_cast<uint32_t>(error.location().line()), summary(error.what()));
    } catch (const std::exception& error) {
        problems.add(0, summary(error.what()));
    }
    throw ConfigError(problems.messages());
}

}  // namespace

Config parse_config(std::string_view text, const std::string& file, std::string_view redis_url) {
    Problems problems(file);
    const toml::value root = parse_toml(text, file, problems);

    Config config;
    TableReader top(&root, "", problems);
    read_sidecar(top.table("sidecar"), config, problems);
    read_redis(top.table("redis"), redis_url, config, problems);
    read_ring(top.table("ring"), config, problems);
    read_journal(top.table("journal"), config.journal, problems);
    read_postgres(top.table("postgres"), config.postgres, problems);
    read_feeds(top.find("feed"), config.feeds, problems);
    read_ingest(top.table("ingest"), config.feeds, config.ingest, problems);
    read_views(top.find("view"), config.feeds, config.views, problems);
    compare_with_feeds(top.find("postgres"), top.find("feed"), problems);
    config.dashboard = read_dashboard(top.table("dashboard"), problems);
    top.finish();

    if (!problems.empty())
        throw ConfigError(problems.messages());
    return config;
}

Config load_config(const std::string& path) {
    std::string text;
    try {
        text = read_file(path);
    } catch (const std::system_error& error) {
        throw ConfigError({path + ": cannot be read: " + error.code().message()});
    }
    const char* redis_url = std::getenv("REDIS_URL");
    return parse_config(text, path, redis_url == nullptr ? "" : redis_url);
}

}  // namespace herald::sidecar
