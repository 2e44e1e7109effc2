// $herald_user, $herald_roles, $herald_claim_NAME, $herald_auth_status and $herald_token_from:
// empty until the access phase has judged the request.
#pragma once

#include "ngx.hpp"

namespace herald {

ngx_int_t add_auth_variables(ngx_conf_t* cf) noexcept;

}  // namespace herald
