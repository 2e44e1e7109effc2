// Event ids: `<log>-<seq>`, 8 lower-case hex digits, a hyphen, a decimal number without leading
// zeros.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald::ring {

struct EventId {
    uint32_t log = 0;
    uint64_t seq = 0;
    bool operator==(const EventId&) const = default;
};

constexpr size_t kMaxIdLength = 8 + 1 + 20;  // bytes

// Writes the id to `out`, which has room for kMaxIdLength bytes; returns one past its end.
inline char* format_id(EventId id, char* out) {
    constexpr char kDigits[] = "0123456789abcdef";
    for (int shift = 28; shift >= 0; shift -= 4)
        *out++ = kDigits[id.log >> shift & 15];
    *out++ = '-';
    return std::to_chars(out, out + 20, id.seq).ptr;
}

inline std::string to_string(EventId id) {
    char text[kMaxIdLength];
    return std::string(text, format_id(id, text));
}

// The id in exactly the form above, or nothing.
inline std::optional<EventId> parse_id(std::string_view text) {
    if (text.size() < 10 || text.size() > kMaxIdLength || text[8] != '-')
        return std::nullopt;
    for (char c : text.substr(0, 8)) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return std::nullopt;
    }
    EventId id;
    const char* end = text.data() + text.size();
    std::from_chars(text.data(), text.data() + 8, id.log, 16);
    auto seq = std::from_chars(text.data() + 9, end, id.seq);
    if (seq.ec != std::errc{} || seq.ptr != end || (text[9] == '0' && text.size() > 10))
        return std::nullopt;
    return id;
}

}  // namespace herald::ring
