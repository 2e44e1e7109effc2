// herald_publish: one event by POST. The sidecar checks it, publishes it, and says its id once it
// is in the journal.
#pragma once

#include "ngx.hpp"

namespace herald {

ngx_int_t publish_handler(ngx_http_request_t* r) noexcept;

}  // namespace herald
