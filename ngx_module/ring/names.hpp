// Which names may be in the ring: sidecar and workers hold channels and events to the same rules.
#pragma once

#include <algorithm>
#include <string_view>

#include "layout.hpp"
#include "utf8.hpp"

namespace herald::ring {

// Whether a text has a byte below 0x20 or the byte 0x7f.
inline bool has_control_characters(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Names are literal everywhere: a `*` in one is a star.
inline bool is_channel_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxChannelLength && is_utf8(name) &&
           !has_control_characters(name);
}

// A name that may stand behind `event:` in an SSE block.
inline bool is_event_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxEventLength && is_utf8(name) &&
           !has_control_characters(name);
}

}  // namespace herald::ring
