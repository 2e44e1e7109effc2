// nginx's view of who may have what: the module's tables and hooks. Behaviour lives in the rooms
// that they point to.

#include <set>

#include "access.hpp"
#include "auth_directives.hpp"
#include "auth_variables.hpp"
#include "fetch_access.hpp"
#include "settings.hpp"
#include "stream_access.hpp"
#include "trust.hpp"

namespace herald {

namespace {

// The sources of all issuers, each once, for the workers to ask the sidecar for.
ngx_int_t collect_sources(ngx_conf_t* cf) {
    auto* streams =
        static_cast<MainSettings*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_herald_module));
    ngx_array_t* sources = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
    if (sources == nullptr)
        return NGX_ERROR;
    std::set<std::string_view> known;
    for (const auto& issuer : auth_main_settings(cf).issuers) {
        for (const IssuerSettings::Watched& watched : issuer->watched) {
            if (!known.insert(watched.source).second)
                continue;
            auto* source = static_cast<ngx_str_t*>(ngx_array_push(sources));
            if (source == nullptr)
                return NGX_ERROR;
            *source = as_ngx_str(watched.source);
        }
    }
    if (known.size() > ring::trust::kMaxSources) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"herald_issuer\" blocks name %uz different \"jwks\", there may be "
                           "%uz",
                           known.size(), ring::trust::kMaxSources);
        return NGX_ERROR;
    }
    streams->key_sources = sources;
    return NGX_OK;
}

ngx_int_t postconfiguration(ngx_conf_t* cf) noexcept {
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
    // nginx runs them backwards: first who it is, then what a location says of it.
    for (ngx_http_handler_pt handler : {fetch_access_handler, access_handler}) {
        auto* place = static_cast<ngx_http_handler_pt*>(
            ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers));
        if (place == nullptr)
            return NGX_ERROR;
        *place = handler;
    }
    return guard(cf->log, ngx_int_t{NGX_ERROR}, [&] { return collect_sources(cf); });
}

// Behind that of ngx_http_herald_module, which makes the worker.
ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
    AuthMainSettings* settings = auth_main_settings(cycle);
    if (settings == nullptr)
        return NGX_OK;
    return guard(cycle->log, ngx_int_t{NGX_ERROR}, [&] {
        follow_news(*settings, cycle->log);
        return ngx_int_t{NGX_OK};
    });
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
    nullptr,               // init master
    nullptr,               // init module
    herald::init_process,  // init process
    nullptr,               // init thread
    nullptr,               // exit thread
    nullptr,               // exit process
    nullptr,               // exit master
    NGX_MODULE_V1_PADDING,
};
