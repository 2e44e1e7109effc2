// Times as people write and read them, for `herald token`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald::cli {

// Seconds: "90", "90s", "15m", "1h", "7d", each also negative; nothing where it is none of these or
// more than a thousand years.
std::optional<int64_t> parse_duration(std::string_view text);

// "45 s", "52 min", "2 h 5 min", "3 days": rounded down, of seconds >= 0.
std::string duration_words(uint64_t seconds);

// "expires in 52 min (2026-11-21T10:52:00Z)", "expired 3 min ago (...)", "never expires". Within
// `leeway` seconds behind it a token is still accepted, and this says so.
std::string expiry_words(std::optional<int64_t> expires, int64_t now, int64_t leeway);

}  // namespace herald::cli
