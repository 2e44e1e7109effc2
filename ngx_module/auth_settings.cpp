// Defaults, inheritance, and the issuers that herald_auth names.
#include "auth_settings.hpp"

#include <algorithm>

#include "configuring.hpp"
#include "settings.hpp"

namespace herald {

namespace {

char* complain(ngx_conf_t* cf, const char* text, std::string_view name) {
    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
    ngx_str_t value = as_ngx_str(name);
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, text, &value, &core->name);
    return kConfError;
}

// The one list with these issuers in this order; made where there is none yet.
const AuthList* list_of(AuthMainSettings& main, AuthList wanted) {
    for (const auto& list : main.lists) {
        if (list->issuers == wanted.issuers && list->opaque == wanted.opaque)
            return list.get();
    }
    main.lists.push_back(std::make_unique<AuthList>(std::move(wanted)));
    return main.lists.back().get();
}

char* resolve(ngx_conf_t* cf, AuthSettings& settings) {
    AuthMainSettings& main = auth_main_settings(cf);
    AuthList list;
    for (const std::string& name : *settings.names) {
        if (name == "static") {
            list.opaque = true;
            continue;
        }
        IssuerSettings* issuer = main.find(name);
        if (issuer == nullptr)
            return complain(cf,
                            "\"herald_auth\" names \"%V\" in location \"%V\", and there is no "
                            "herald_issuer of that name",
                            name);
        if (std::find(list.issuers.begin(), list.issuers.end(), issuer) == list.issuers.end())
            list.issuers.push_back(issuer);
    }
    settings.list = list_of(main, std::move(list));
    return NGX_CONF_OK;
}

char* merge(ngx_conf_t* cf, const AuthSettings& outer, AuthSettings& inner) {
    const bool requires_here = !inner.required.empty();
    if (!inner.names)
        inner.names = outer.names ? outer.names : std::vector<std::string>();
    if (inner.static_tokens == nullptr)
        inner.static_tokens = outer.static_tokens;
    if (inner.credentials == nullptr)
        inner.credentials = outer.credentials;
    if (inner.required.empty())
        inner.required = outer.required;
    if (!inner.admin_role)
        inner.admin_role = outer.admin_role;
    if (!inner.denied)
        inner.denied = outer.denied;

    char* resolved = resolve(cf, inner);
    if (resolved != NGX_CONF_OK)
        return resolved;
    // A server's or http's herald_require may be meant for its other locations.
    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
    if (requires_here && inner.list->is_off() && core->name.len != 0)
        return complain(cf, "\"%V\" protects nothing in location \"%V\": it needs herald_auth",
                        "herald_require");
    if (inner.list->opaque && inner.static_tokens == nullptr && inner.credentials == nullptr)
        return complain(cf,
                        "\"herald_auth %V\" in location \"%V\" needs a herald_static_token or "
                        "herald_credentials",
                        "static");
    if (!inner.list->is_off()) {
        auto* streams = static_cast<MainSettings*>(
            ngx_http_conf_get_module_main_conf(cf, ngx_http_herald_module));
        streams->used = true;
    }
    return NGX_CONF_OK;
}

}  // namespace

void IssuerSettings::collect_keys() {
    issuer.keys = secrets;
    for (const Watched& source : watched) {
        if (source.keys != nullptr)
            issuer.keys.push_back(source.keys);
    }
}

IssuerSettings* AuthMainSettings::find(std::string_view name) {
    const auto at = std::find_if(issuers.begin(), issuers.end(),
                                 [&](const auto& i) { return i->issuer.name == name; });
    return at == issuers.end() ? nullptr : at->get();
}

AuthMainSettings& auth_main_settings(ngx_conf_t* cf) {
    return *static_cast<AuthMainSettings*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_herald_auth_module));
}

AuthMainSettings* auth_main_settings(ngx_cycle_t* cycle) {
    return static_cast<AuthMainSettings*>(
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_herald_auth_module));
}

void* create_auth_main_settings(ngx_conf_t* cf) noexcept {
    return guard(cf->log, static_cast<void*>(nullptr),
                 [&]() -> void* { return make_in_pool<AuthMainSettings>(cf->pool); });
}

void* create_auth_settings(ngx_conf_t* cf) noexcept {
    return guard(cf->log, static_cast<void*>(nullptr),
                 [&]() -> void* { return make_in_pool<AuthSettings>(cf->pool); });
}

char* merge_auth_settings(ngx_conf_t* cf, void* parent, void* child) noexcept {
    return guard(cf->log, kConfError, [&] {
        return merge(cf, *static_cast<AuthSettings*>(parent), *static_cast<AuthSettings*>(child));
    });
}

}  // namespace herald
