// A public key from what a JWK says (RFC 7517; RFC 7518, section 6; RFC 8037, section 2).
#pragma once

#include <jansson.h>

#include <memory>
#include <string>

#include "keys.hpp"

namespace herald::jwt {

// nullptr, and `why` as a clause without a subject ("is a symmetric key"). Looks at the numbers
// alone, not at `use`, `alg` and the like. Throws bad_alloc alone.
std::unique_ptr<EVP_PKEY, FreeKey> import_jwk(const json_t* jwk, std::string& why);

// What a key of this kind and size can be used with; none, and `why` as above.
Algorithms algorithms_of(const EVP_PKEY* key, std::string& why);

}  // namespace herald::jwt
