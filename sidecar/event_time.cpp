// One scan for one member; only a value with escapes costs an allocation.
#include "sidecar/event_time.hpp"

#include <optional>
#include <string>

#include "ring/timestamp.hpp"

namespace herald::sidecar {

namespace {

std::optional<int64_t> time_of(JsonScanner& scanner, const Feed& feed, std::string_view data) {
    if (feed.time.empty() || !scanner.scan(data, std::array<std::string_view, 1>{feed.time}))
        return std::nullopt;
    const Member kind = scanner.member(0);
    if (kind != Member::String && kind != Member::Number)
        return std::nullopt;

    const std::string_view raw = scanner.raw(0);
    if (kind == Member::Number || raw.find('\\') == raw.npos)
        return ring::parse_time(raw);
    std::string text;
    return unescape_json(raw, text) ? ring::parse_time(text) : std::nullopt;
}

}  // namespace

int64_t event_time_us(JsonScanner& scanner, const Feed& feed, std::string_view data,
                      uint64_t at_ms) {
    return time_of(scanner, feed, data).value_or(static_cast<int64_t>(at_ms * 1000));
}

}  // namespace herald::sidecar
