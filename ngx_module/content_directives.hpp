// The directives that say what a location is, each a content handler: one of them per location.
#pragma once

#include "ngx.hpp"

namespace herald {

char* set_subscribe(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept;
char* set_history(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept;
char* set_publish(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept;
char* set_view(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept;
char* set_health(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept;
char* set_status(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept;

}  // namespace herald
