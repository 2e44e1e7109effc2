// nginx's view of the subrequests whose answers Herald reads: the module's tables and hooks.
// Behaviour lives in the rooms that they point to.

#include "fetch_access.hpp"
#include "fetched_variables.hpp"

namespace herald {

namespace {

ngx_http_output_body_filter_pt g_next_body_filter;

ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
    const bool taken =
        r != r->main && guard(r->connection->log, true, [&] { return take_fetched_body(r, in); });
    return taken ? NGX_OK : g_next_body_filter(r, in);
}

ngx_int_t postconfiguration(ngx_conf_t*) noexcept {
    g_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = body_filter;
    return NGX_OK;
}

}  // namespace

}  // namespace herald

static ngx_http_module_t ngx_http_herald_fetch_module_context = {
    herald::add_fetched_variables,  // preconfiguration
    herald::postconfiguration,      // postconfiguration
    nullptr,                        // create main configuration
    nullptr,                        // init main configuration
    nullptr,                        // create server configuration
    nullptr,                        // merge server configuration
    herald::create_fetch_settings,  // create location configuration
    herald::merge_fetch_settings,   // merge location configuration
};

__attribute__((visibility("default"))) ngx_module_t ngx_http_herald_fetch_module = {
    NGX_MODULE_V1,
    &ngx_http_herald_fetch_module_context,
    herald::fetch_commands,
    NGX_HTTP_MODULE,
    nullptr,  // init master
    nullptr,  // init module
    nullptr,  // init process
    nullptr,  // init thread
    nullptr,  // exit thread
    nullptr,  // exit process
    nullptr,  // exit master
    NGX_MODULE_V1_PADDING,
};
