// The token that a request presents, and from where (docs/security.md).
//
// What stood in the query string has been put aside, and overwritten in the request, before any
// other module could log or forward it (redaction.hpp). Nothing here judges a token.
#pragma once

#include <string_view>

#include "ngx.hpp"

namespace herald {

enum class TokenFrom : uint8_t { Nowhere, Header, ApiKey, Cookie, Query, Subprotocol };

struct Presented {
    TokenFrom from = TokenFrom::Nowhere;
    std::string_view token{};   // of an API-key pair: the key
    std::string_view secret{};  // of an API-key pair; empty: none was sent
    bool ambiguous = false;     // several tokens at once: to be answered with 400
    bool malformed = false;     // it is there, and its syntax cannot be read: 401
};

// Looks where the location's herald_token_from allows it. The views live as long as the request.
Presented presented_token(ngx_http_request_t* r);

}  // namespace herald
