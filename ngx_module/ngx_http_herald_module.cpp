// nginx's view of Herald: the module's tables and hooks. Behaviour lives in the rooms that they
// point to.

#include "directives.hpp"
#include "variables.hpp"
#include "worker.hpp"

namespace herald {

namespace {

std::unique_ptr<Worker> g_worker_owner;

// Once the configuration is whole: what streams need in every process.
ngx_int_t postconfiguration(ngx_conf_t* cf) noexcept {
    auto* settings =
        static_cast<MainSettings*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_herald_module));
    if (!settings->used)
        return NGX_OK;
    settings->zone = add_counter_zone(cf);
    return settings->zone == nullptr ? NGX_ERROR : NGX_OK;
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
        return NGX_OK;
    auto* settings = static_cast<MainSettings*>(
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_herald_module));
    if (settings == nullptr || !settings->used)
        return NGX_OK;
    return guard(cycle->log, ngx_int_t{NGX_ERROR}, [&] {
        g_worker_owner = std::make_unique<Worker>(cycle, *settings);
        return ngx_int_t{NGX_OK};
    });
}

void exit_process(ngx_cycle_t* cycle) noexcept {
    guard(cycle->log, [] { g_worker_owner.reset(); });
}

}  // namespace

}  // namespace herald

static ngx_http_module_t ngx_http_herald_module_context = {
    herald::add_variables,             // preconfiguration
    herald::postconfiguration,         // postconfiguration
    herald::create_main_settings,      // create main configuration
    herald::init_main_settings,        // init main configuration
    nullptr,                           // create server configuration
    nullptr,                           // merge server configuration
    herald::create_location_settings,  // create location configuration
    herald::merge_location_settings,   // merge location configuration
};

__attribute__((visibility("default"))) ngx_module_t ngx_http_herald_module = {
    NGX_MODULE_V1,
    &ngx_http_herald_module_context,
    herald::commands,
    NGX_HTTP_MODULE,
    nullptr,               // init master
    nullptr,               // init module
    herald::init_process,  // init process
    nullptr,               // init thread
    nullptr,               // exit thread
    herald::exit_process,  // exit process
    nullptr,               // exit master
    NGX_MODULE_V1_PADDING,
};
