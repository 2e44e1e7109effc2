// The variables for the access log: $herald_channel, $herald_transport, $herald_events_sent,
// $herald_last_id, $herald_gaps, $herald_trimmed, $herald_close_reason. Empty on requests that are
// no stream.
#pragma once

#include "ngx.hpp"

namespace herald {

// Adds them; in nginx's preconfiguration, so that every directive can use them.
ngx_int_t add_variables(ngx_conf_t* cf) noexcept;

// For a variable's getter: a copy of `text` as its value, or none where that is empty. NGX_ERROR
// when memory is out.
ngx_int_t give_text(ngx_http_request_t* r, ngx_http_variable_value_t* value, std::string_view text);

}  // namespace herald
