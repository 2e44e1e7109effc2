// herald_fetch: the access phase asks a location who this is and what it may have, and keeps the
// JSON that it answers. Like auth_request, for backends that answer in bodies; composes with
// `satisfy`, and runs behind herald_auth, before auth_request.
#pragma once

#include "fetch.hpp"

extern ngx_module_t ngx_http_herald_fetch_module;

namespace herald {

struct FetchSettings {
    FetchUri* uri;  // nullptr: off
    bool off;       // said so here
};

ngx_int_t fetch_access_handler(ngx_http_request_t* r) noexcept;

// What was fetched for a request; nullptr: nothing yet.
const Fetch* fetched_for_access(ngx_http_request_t* r);

extern ngx_command_t fetch_commands[];
void* create_fetch_settings(ngx_conf_t* cf) noexcept;
char* merge_fetch_settings(ngx_conf_t* cf, void* parent, void* child) noexcept;

}  // namespace herald
