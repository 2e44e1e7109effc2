#include "sidecar/config_ingest.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "ring/layout.hpp"
#include "ring/names.hpp"

namespace herald::sidecar {

namespace {

constexpr const char* kVariable = "ONEPIECE_INGEST_REGISTRY";
constexpr const char* kDefaultPath = "~/.cache/onepiece/ingest_runs.json";
constexpr uint64_t kMinSize = 1 << 10;
constexpr uint64_t kMaxSize = uint64_t{1} << 30;
constexpr uint64_t kMaxPollMs = 3'600'000;

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// Empty, with `wrong` set, where it is no path that can be used.
std::string expand(const std::string& text, std::string& wrong) {
    std::string path = text;
    if (text.starts_with("~/")) {
        path = from_environment("HOME") + text.substr(1);
        if (!path.starts_with('/') || path == text.substr(1)) {
            wrong = "is \"" + text +
                    "\", and the environment's HOME does not say where that is; "
                    "expected an absolute path";
            return {};
        }
    }
    if (!path.starts_with('/') || path.ends_with('/') || ring::has_control_characters(path)) {
        wrong = "is \"" + text + "\"; expected the absolute path of a file, starting with / or ~/";
        return {};
    }
    return path;
}

// $ONEPIECE_INGEST_REGISTRY, `registry`, or the default.
void read_registry_path(TableReader& table, IngestConfig& ingest, Problems& problems) {
    const auto text = table.string("registry");
    std::string wrong;
    if (const std::string path = from_environment(kVariable); !path.empty()) {
        ingest.registry = expand(path, wrong);
        if (!wrong.empty())
            problems.add(0, std::string("the environment's ") + kVariable + " " + wrong);
        return;
    }
    ingest.registry = expand(text.value_or(kDefaultPath), wrong);
    if (wrong.empty())
        return;
    if (text)
        table.refuse("registry", wrong);
    else
        problems.add(0, "[ingest] has no registry; the default " + wrong);
}

}  // namespace

void read_ingest(const toml::value* value, const std::vector<Feed>& feeds, IngestConfig& ingest,
                 Problems& problems) {
    ingest.enabled = value != nullptr;
    if (!ingest.enabled)
        return;
    TableReader table(value, "[ingest]", problems);
    read_registry_path(table, ingest, problems);
    ingest.channel = table.string("channel").value_or(ingest.channel);
    const auto poll = table.string("poll");
    const auto max_size = table.size("max_size");
    table.finish();

    if (poll) {
        const auto poll_ms = parse_duration(*poll);
        if (!poll_ms || *poll_ms > kMaxPollMs)
            table.refuse("poll", "is \"" + *poll + "\"; expected a time from \"1s\" to \"" +
                                     format_duration(kMaxPollMs) + "\"");
        ingest.poll_ms = poll_ms.value_or(ingest.poll_ms);
    }
    if (max_size && (*max_size < kMinSize || *max_size > kMaxSize))
        table.refuse("max_size", "is " + format_size(*max_size) + "; expected " +
                                     format_size(kMinSize) + " to " + format_size(kMaxSize));
    ingest.max_size = max_size.value_or(ingest.max_size);

    const bool is_claimed = std::ranges::any_of(
        feeds, [&](const Feed& feed) { return feed.channels.matches(ingest.channel); });
    if (!is_claimed)
        problems.add(line_of(*value), "[ingest] publishes on the channel \"" + ingest.channel +
                                          "\", which no feed claims; expected a [[feed]] with "
                                          "channels = \"" +
                                          ingest.channel + "\"");
}

}  // namespace herald::sidecar
