// herald_health and herald_status: what operators and their monitors ask.
#pragma once

#include "ngx.hpp"

namespace herald {

ngx_int_t health_handler(ngx_http_request_t* r) noexcept;
ngx_int_t status_handler(ngx_http_request_t* r) noexcept;

}  // namespace herald
