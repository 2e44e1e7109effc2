// Refusals of the access phase: a status that composes with `satisfy` and error_page, and that
// carries a JSON body and its headers where nginx would send a page of its own.
#pragma once

#include <string_view>

#include "ngx.hpp"

namespace herald {

struct Refusal {
    ngx_uint_t status = 0;            // 4xx or 5xx
    std::string_view authenticate{};  // WWW-Authenticate; empty: none
    std::string_view body{};          // JSON
};

// Notes the refusal and returns its status, for a phase handler to return. The response that nginx
// makes of this status gets this body and these headers, unless the operator's error_page, or
// another module of a `satisfy any`, answers instead. The texts are copied. NGX_ERROR: no memory.
ngx_int_t refuse_access(ngx_http_request_t* r, const Refusal& refusal);

}  // namespace herald
