// The content handler of herald_subscribe: judges the request, answers it, and makes it a
// subscriber.
#pragma once

#include <string_view>

#include "ngx.hpp"

namespace herald {

ngx_int_t subscribe_handler(ngx_http_request_t* r) noexcept;

// Whether a text can be a channel's name. Names are literal everywhere: `*` is a star.
bool is_channel(std::string_view name);
extern const char kChannelRule[];

}  // namespace herald
