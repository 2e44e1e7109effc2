// The directives of ngx_http_herald_auth_module and their parsing. docs/directives.md is their
// reference.
#pragma once

#include "auth_settings.hpp"

namespace herald {

extern ngx_command_t auth_commands[];

}  // namespace herald
