// The content handler of herald_subscribe: judges the request, answers it, and makes it a
// subscriber.
#pragma once

#include "ngx.hpp"

namespace herald {

ngx_int_t subscribe_handler(ngx_http_request_t* r) noexcept;

// What a channel's name must be, for error messages (ring/names.hpp).
extern const char kChannelRule[];

}  // namespace herald
