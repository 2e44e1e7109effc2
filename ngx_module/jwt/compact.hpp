// A JWS in compact form (RFC 7515, section 7.1) taken apart and read, before anything is believed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json.hpp"

namespace herald::jwt {

constexpr size_t kMaxToken = 8 * 1024;  // bytes

struct Compact {
    std::string_view signed_text{};  // of the token: header and claims, as they were sent
    std::string signature{};         // decoded; may be empty
    Json header{};
    Json claims{};  // an object
    // Of the header; they live as long as it does.
    std::string_view alg{};
    std::optional<std::string_view> kid{};
    // Of the claims: seconds since 1970, rounded down, within 2^53 either way.
    std::optional<int64_t> exp{};
    std::optional<int64_t> nbf{};
    std::optional<int64_t> iat{};
};

// Returns nullptr, or what is wrong with `token` as a clause without a subject ("has more than
// ..."). Refuses what we would have to understand to judge the token and do not (RFC 7515, section
// 4.1.11: `crit`; RFC 7797: `b64`), and never looks at keys that a token brings along (`jwk`,
// `jku`, `x5c`, `x5u`). On an error `compact` holds what could be read.
const char* parse_compact(std::string_view token, Compact& compact);

}  // namespace herald::jwt
