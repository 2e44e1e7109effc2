#include "fetch_access.hpp"

#include "configuring.hpp"

namespace herald {

namespace {

// The fetch module's context of a request. Internal redirects clear it: another location asks anew.
struct Asked {
    Fetch* fetch;
};

const FetchSettings& settings_of(ngx_http_request_t* r) {
    return *static_cast<FetchSettings*>(
        ngx_http_get_module_loc_conf(r, ngx_http_herald_fetch_module));
}

Asked* asked_of(ngx_http_request_t* r) {
    return static_cast<Asked*>(ngx_http_get_module_ctx(r, ngx_http_herald_fetch_module));
}

ngx_int_t ask(ngx_http_request_t* r, const FetchUri& uri) {
    auto* asked = static_cast<Asked*>(ngx_pcalloc(r->pool, sizeof(Asked)));
    if (asked == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_http_set_ctx(r, asked, ngx_http_herald_fetch_module);
    FetchTarget target;
    const ngx_int_t rc = evaluate_fetch_uri(r, uri, target);
    if (rc != NGX_OK)
        return rc;
    asked->fetch = Fetch::start(r, target, [r](Fetch&) {
        if (ngx_http_post_request(r, nullptr) != NGX_OK)
            r->connection->error = 1;
    });
    return asked->fetch == nullptr ? NGX_HTTP_INTERNAL_SERVER_ERROR : NGX_AGAIN;
}

ngx_int_t judge(ngx_http_request_t* r) {
    const FetchSettings& settings = settings_of(r);
    if (settings.uri == nullptr)
        return NGX_DECLINED;
    const Asked* asked = asked_of(r);
    if (asked == nullptr)
        return ask(r, *settings.uri);
    if (asked->fetch == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (!asked->fetch->is_done())
        return NGX_AGAIN;
    return asked->fetch->has_json() ? ngx_int_t{NGX_OK} : asked->fetch->refuse(r);
}

char* set_fetch(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* settings = static_cast<FetchSettings*>(conf);
    ngx_str_t* value = &arguments(cf)[1];
    if (settings->uri != nullptr || settings->off)
        return reject(cf, cmd, "is duplicate");
    if (view(*value) == "off") {
        settings->off = true;
        return NGX_CONF_OK;
    }
    std::string_view text = view(*value);
    if (!take_prefix(text, "uri="))
        return reject(cf, cmd, "knows uri=URI and off, not \"%V\"", value);
    settings->uri = allocate<FetchUri>(cf);
    return settings->uri == nullptr ? kConfError
                                    : compile_fetch_uri(cf, cmd, as_ngx_str(text), *settings->uri);
}

}  // namespace

ngx_int_t fetch_access_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return judge(r); });
}

const Fetch* fetched_for_access(ngx_http_request_t* r) {
    const Asked* asked = asked_of(r);
    return asked == nullptr || asked->fetch == nullptr || !asked->fetch->is_done() ? nullptr
                                                                                   : asked->fetch;
}

void* create_fetch_settings(ngx_conf_t* cf) noexcept {
    return allocate<FetchSettings>(cf);
}

char* merge_fetch_settings(ngx_conf_t*, void* parent, void* child) noexcept {
    const auto* outer = static_cast<FetchSettings*>(parent);
    auto* inner = static_cast<FetchSettings*>(child);
    if (inner->uri == nullptr && !inner->off)
        inner->uri = outer->uri;
    return NGX_CONF_OK;
}

ngx_command_t fetch_commands[] = {
    entry("herald_fetch", kEverywhere | NGX_CONF_TAKE1, set_fetch, NGX_HTTP_LOC_CONF_OFFSET, 0),
    ngx_null_command,
};

}  // namespace herald
