// herald_history: the polling endpoint. Answers from the sidecar's index; a client that has it all
// already is told so from the ring, without asking.
#pragma once

#include "ngx.hpp"

namespace herald {

ngx_int_t history_handler(ngx_http_request_t* r) noexcept;

}  // namespace herald
