// Refusals of the access phase: a status that composes with `satisfy` and error_page, and that
// carries a JSON body and its headers where nginx would send a page of its own.
#pragma once

#include <string_view>

#include "ngx.hpp"

namespace herald {

struct Refusal {
    ngx_uint_t status = 0;            // 4xx or 5xx
    std::string_view authenticate{};  // WWW-Authenticate; empty: none
    std::string_view body{};          // JSON; empty: nginx's page stays
};

// Notes the refusal and returns its status, for a phase handler to return. The response that nginx
// makes of this status gets this body and these headers, unless the operator's error_page, or
// another module of a `satisfy any`, answers instead; WWW-Authenticate stays on an error_page, as
// that of auth_basic does. The texts are copied. NGX_ERROR: no memory.
ngx_int_t refuse_access(ngx_http_request_t* r, const Refusal& refusal);

// -- hooks of the edge module

// Forgets a refusal of the access phase that another module has outvoted: runs behind that phase.
ngx_int_t forget_refusal(ngx_http_request_t* r) noexcept;
// Makes the response's header that of the refusal, if this is its response.
void shape_refusal_header(ngx_http_request_t* r);
// What to send for `in`; nullptr with `failed` set when memory is out.
ngx_chain_t* shape_refusal_body(ngx_http_request_t* r, ngx_chain_t* in, bool& failed);

}  // namespace herald
