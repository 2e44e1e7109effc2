// The block of herald_issuer: a trust domain for JWTs (docs/directives.md).
#pragma once

#include "auth_settings.hpp"

namespace herald {

char* set_issuer(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept;

}  // namespace herald
