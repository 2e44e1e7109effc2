// Which pages of a browser may call a location (docs/security.md, "CORS and Origin"): preflights,
// the headers of all other answers, and the Origin of WebSocket handshakes.
#pragma once

#include "ngx.hpp"

namespace herald {

// -- hooks of the edge module

// Ahead of the access phase: answers preflights, which browsers send without credentials, and
// refuses handshakes of pages that may not.
ngx_int_t judge_origin(ngx_http_request_t* r) noexcept;

// Adds the headers by which a browser lets its page read the response. An upstream's own give way.
// false: no memory.
bool add_cors_headers(ngx_http_request_t* r);

}  // namespace herald
