// Points in time as text: ISO 8601 (RFC 3339 and what Python and JavaScript make of it) and epoch
// seconds. Both programs read them by the same rules, so that `since` and an event's time member
// compare.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald::ring {

// Microseconds since 1970, or nothing where the text is neither of the two forms:
//   2026-11-21T10:00:00Z   'T', 't' or a space between date and time; seconds may be missing, and
//                          may have 1 to 9 digits of fraction behind '.' or ',' (beyond
//                          microseconds: cut off); then Z, z, +01:00, +0100, +01, or nothing,
//                          which is UTC; the time may be missing as a whole: midnight. Years 0001
//                          to 9999, real dates alone; second 60 is the next minute's first.
//   1763719200.123         epoch seconds with or without a fraction, also negative
std::optional<int64_t> parse_time(std::string_view text);

// `2026-11-21T10:00:00.123Z`, of milliseconds since 1970; appended.
void append_time(std::string& out, uint64_t ms);

}  // namespace herald::ring
