// The directives and their parsing. Every mistake is an error of `nginx -t` that names the
// directive and says what would be right. docs/directives.md is their reference.
#pragma once

#include "settings.hpp"

namespace herald {

extern ngx_command_t commands[];

}  // namespace herald
