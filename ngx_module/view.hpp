// The content handler of herald_view: a view of the sidecar as JSON, or its flush.
#pragma once

#include "ngx.hpp"

namespace herald {

ngx_int_t view_handler(ngx_http_request_t* r) noexcept;

// What a view's name and item must be, for error messages (ring/view_question.hpp).
extern const char kViewRule[];

}  // namespace herald
