// Who a request comes from, once its token has been believed.
#pragma once

#include <algorithm>

#include "jwt/verify.hpp"

namespace herald {

// Immutable once it is shared: by the cache of verified tokens, requests and streams.
struct Identity {
    jwt::Claims claims{};  // of an opaque token: user and roles alone
    bool opaque = false;   // no JWT: it neither expires nor can be revoked

    // Seconds since 1970 up to which the token is accepted; nothing: for ever.
    std::optional<int64_t> accepted_until() const {
        if (!claims.expires)
            return std::nullopt;
        constexpr int64_t kFar = int64_t{1} << 60;  // nobody waits for it, and it adds up
        return std::min(*claims.expires, kFar) + claims.leeway;
    }
};

bool has_role(const Identity& identity, std::string_view role);

// A claim as text: a string as it is, anything else as JSON. Nothing where it is absent, null, or
// holds control characters, which would break a header that it is put into.
std::optional<std::string> claim_text(const json_t* claim);

// Whether text may stand in a header or a log line.
bool is_plain_text(std::string_view text);

}  // namespace herald
