// Keeps tokens out of what nginx logs, puts into variables and forwards (docs/security.md, "What is
// redacted, and what is not").
//
// Once the header is read, a request's query and its offers of subprotocols are put aside, for
// presented_token, and overwritten where nginx keeps them. Requests that fail before that are seen
// to where an error_page leads them, or else ahead of the access log; the error log has a room of
// its own (error_log.hpp).
#pragma once

#include "edge_settings.hpp"
#include "headers.hpp"

namespace herald {

// Asks for redaction: for directives by which tokens may come in.
void want_redaction(ngx_conf_t* cf);

// Adds a name, in lower case, to EdgeMainSettings' `queries` or `headers`, unless it is there;
// false: no memory.
bool add_secret_name(ngx_conf_t* cf, ngx_array_t*& names, std::string_view name);

// The query as the client sent it, if it had a token in it; else the first one with a token that an
// internal redirect has made; else the request's own.
std::string_view original_args(ngx_http_request_t* r);

// The Sec-WebSocket-Protocol headers as the client sent them.
struct OriginalHeader {
    std::string_view value;
    OriginalHeader* next;
};
const OriginalHeader* original_subprotocols(ngx_http_request_t* r);

template <class Found>
void each_original_subprotocols(ngx_http_request_t* r, Found&& found) {
    const OriginalHeader* header = original_subprotocols(r);
    if (header == nullptr)
        each_header(r, "Sec-WebSocket-Protocol", found);
    for (; header != nullptr; header = header->next)
        found(header->value);
}

// Whether a clean-up of a request's pool is only where this keeps what it has put aside.
bool is_redaction_cleanup(ngx_pool_cleanup_pt handler);

// -- hooks of the edge module

// Behind the reading of the header.
ngx_int_t redact_request(ngx_http_request_t* r) noexcept;
// Ahead of the server's rewrites, where internal redirects begin.
ngx_int_t redact_redirected_request(ngx_http_request_t* r) noexcept;
// Ahead of the location's rewrites, where named locations begin.
ngx_int_t redact_named_request(ngx_http_request_t* r) noexcept;
// Ahead of the access log, for requests whose header was never read to its end.
ngx_int_t redact_broken_request(ngx_http_request_t* r) noexcept;

}  // namespace herald
