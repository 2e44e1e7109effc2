// nginx's view of who may have what: the module's tables and hooks. Behaviour lives in the rooms
// that they point to.

#include "access.hpp"
#include "auth_directives.hpp"
#include "auth_variables.hpp"

namespace herald {

namespace {

ngx_int_t postconfiguration(ngx_conf_t* cf) noexcept {
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
    auto* handler = static_cast<ngx_http_handler_pt*>(
        ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers));
    if (handler == nullptr)
        return NGX_ERROR;
    *handler = access_handler;
    return NGX_OK;
}

}  // namespace

}  // namespace herald

static ngx_http_module_t ngx_http_herald_auth_module_context = {
    herald::add_auth_variables,         // preconfiguration
    herald::postconfiguration,          // postconfiguration
    herald::create_auth_main_settings,  // create main configuration
    nullptr,                            // init main configuration
    nullptr,                            // create server configuration
    nullptr,                            // merge server configuration
    herald::create_auth_settings,       // create location configuration
    herald::merge_auth_settings,        // merge location configuration
};

__attribute__((visibility("default"))) ngx_module_t ngx_http_herald_auth_module = {
    NGX_MODULE_V1,
    &ngx_http_herald_auth_module_context,
    herald::auth_commands,
    NGX_HTTP_MODULE,
    nullptr,  // init master
    nullptr,  // init module
    nullptr,  // init process
    nullptr,  // init thread
    nullptr,  // exit process
    nullptr,  // exit thread
    nullptr,  // exit master
    NGX_MODULE_V1_PADDING,
};
