// base64url as JOSE has it (RFC 7515, section 2): the URL-safe alphabet, no padding, nothing else.
//
// Strict: each sequence of bytes has exactly one text, so a token cannot be written in two ways.
#pragma once

#include <string>
#include <string_view>

namespace herald::jwt {

// False where `text` is no base64url: a character outside the alphabet, padding, an impossible
// length, or a last character with bits that belong to no byte. `bytes` is replaced either way.
bool decode_base64url(std::string_view text, std::string& bytes);

std::string encode_base64url(std::string_view bytes);

}  // namespace herald::jwt
