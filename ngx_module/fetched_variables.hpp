// $herald_start_MEMBER and $herald_fetch_MEMBER: the members of the JSON objects that subrequests
// have brought. As variables of nginx they are plain text; in a Template they are JSON.
#pragma once

#include <string>
#include <string_view>

#include "ngx.hpp"

namespace herald {

// Whether a variable of this name holds JSON.
bool is_json_variable(std::string_view name);
// Its value as it was written; "null" where there is none.
std::string json_variable(ngx_http_request_t* r, std::string_view name);

ngx_int_t add_fetched_variables(ngx_conf_t* cf) noexcept;

}  // namespace herald
