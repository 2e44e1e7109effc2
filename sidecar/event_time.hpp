// When an event happened, by its own word: what `since` compares with.
#pragma once

#include <cstdint>
#include <string_view>

#include "sidecar/feed.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::sidecar {

// Microseconds since 1970: the feed's time member, a string or a number that ring::parse_time
// reads; else the time of arrival, `at_ms` (milliseconds since 1970). `scanner` is used again from
// event to event.
int64_t event_time_us(JsonScanner& scanner, const Feed& feed, std::string_view data,
                      uint64_t at_ms);

}  // namespace herald::sidecar
