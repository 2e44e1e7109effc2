// Which bytes are UTF-8: RFC 3629, so no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace herald::sidecar {

// Bytes of the character that `text` starts with (1 to 4), or 0 where it starts with none: an
// empty text, a cut one, or bytes that are not UTF-8.
size_t utf8_character(std::string_view text);

bool is_utf8(std::string_view text);

// Whether a text has a byte below 0x20 or the byte 0x7f.
bool has_control_characters(std::string_view text);

}  // namespace herald::sidecar
