// Whether a signature was made with a key (RFC 7515, section 5.2; RFC 7518, section 3).
#pragma once

#include <string_view>

#include "keys.hpp"

namespace herald::jwt {

// Makes the contexts of a key for its algorithms, and takes those away that OpenSSL cannot do.
void prepare(Key& key);

// `signature` is what the token's third part decodes to. False for every key that is not for
// `algorithm`, and where OpenSSL cannot check it. Leaves OpenSSL's error queue empty. Throws
// bad_alloc alone.
bool verify_signature(const Key& key, Algorithm algorithm, std::string_view signed_text,
                      std::string_view signature);

}  // namespace herald::jwt
