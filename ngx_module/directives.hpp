// The directives: parsing, defaults, inheritance, and what contradicts what. Every mistake is an
// error of `nginx -t` that names the directive and says what would be right. docs/directives.md is
// their reference.
#pragma once

#include "settings.hpp"

namespace herald {

extern ngx_command_t commands[];

void* create_main_settings(ngx_conf_t* cf) noexcept;
char* init_main_settings(ngx_conf_t* cf, void* conf) noexcept;
void* create_location_settings(ngx_conf_t* cf) noexcept;
char* merge_location_settings(ngx_conf_t* cf, void* parent, void* child) noexcept;

}  // namespace herald
