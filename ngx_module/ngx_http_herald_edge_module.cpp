// nginx's view of Herald's edge: what stands between a request and the locations, whoever answers
// there. Tables and hooks; behaviour lives in the rooms that they point to.

#include <algorithm>
#include <utility>

#include "cors.hpp"
#include "error_log.hpp"
#include "redaction.hpp"
#include "refusal.hpp"

namespace herald {

namespace {

ngx_http_output_header_filter_pt g_next_header_filter;
ngx_http_output_body_filter_pt g_next_body_filter;
ngx_http_handler_pt g_rewrites[2];  // that `rewrite` stands in for; nullptr: none

ngx_int_t header_filter(ngx_http_request_t* r) noexcept {
    if (r == r->main) {
        shape_refusal_header(r);
        if (!add_cors_headers(r))
            return NGX_ERROR;
    }
    return g_next_header_filter(r);
}

ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
    if (r != r->main)
        return g_next_body_filter(r, in);
    bool failed = false;
    ngx_chain_t* out = shape_refusal_body(r, in, failed);
    return failed ? NGX_ERROR : g_next_body_filter(r, out);
}

template <size_t Which>
ngx_int_t rewrite(ngx_http_request_t* r) noexcept {
    const ngx_int_t rc = redact_named_request(r);
    return rc == NGX_DECLINED && g_rewrites[Which] != nullptr ? g_rewrites[Which](r) : rc;
}

ngx_array_t& handlers_of(ngx_conf_t* cf, ngx_http_phases phase) {
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
    return core->phases[phase].handlers;
}

enum class Place { First, Last };

// nginx runs the handlers of the log phase in the array's order, those of other phases backwards.
bool add_handler(ngx_conf_t* cf, ngx_http_phases phase, ngx_http_handler_pt handler, Place place) {
    ngx_array_t& handlers = handlers_of(cf, phase);
    if (ngx_array_push(&handlers) == nullptr)
        return false;
    auto* all = static_cast<ngx_http_handler_pt*>(handlers.elts);
    const ngx_uint_t last = handlers.nelts - 1;
    if (place == Place::First)
        std::copy_backward(all, all + last, all + last + 1);
    all[place == Place::First ? 0 : last] = handler;
    return true;
}

// Puts `rewrite` into the place of the handler that would run first, and of nginx's own, which runs
// last: others (ngx_lua) move behind it later. One more ahead of nginx's would have it run a
// server's rewrites twice where there is no location: it tells by its place in the phases that they
// have been run.
bool wrap_rewrite(ngx_conf_t* cf) {
    ngx_array_t& handlers = handlers_of(cf, NGX_HTTP_REWRITE_PHASE);
    g_rewrites[0] = g_rewrites[1] = nullptr;
    if (handlers.nelts == 0)
        return add_handler(cf, NGX_HTTP_REWRITE_PHASE, rewrite<0>, Place::Last);
    auto* all = static_cast<ngx_http_handler_pt*>(handlers.elts);
    g_rewrites[0] = std::exchange(all[0], rewrite<0>);
    if (handlers.nelts > 1)
        g_rewrites[1] = std::exchange(all[handlers.nelts - 1], rewrite<1>);
    return true;
}

ngx_int_t postconfiguration(ngx_conf_t* cf) noexcept {
    g_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = header_filter;
    g_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = body_filter;
    // Preflights come behind limit_req and limit_conn, like all requests.
    return add_handler(cf, NGX_HTTP_POST_READ_PHASE, redact_request, Place::Last) &&
                   add_handler(cf, NGX_HTTP_SERVER_REWRITE_PHASE, redact_redirected_request,
                               Place::Last) &&
                   wrap_rewrite(cf) &&
                   add_handler(cf, NGX_HTTP_PREACCESS_PHASE, judge_origin, Place::First) &&
                   add_handler(cf, NGX_HTTP_PRECONTENT_PHASE, forget_refusal, Place::Last) &&
                   add_handler(cf, NGX_HTTP_LOG_PHASE, redact_broken_request, Place::First)
               ? NGX_OK
               : NGX_ERROR;
}

EdgeMainSettings* redacting_settings(ngx_cycle_t* cycle) {
    auto* settings = static_cast<EdgeMainSettings*>(
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_herald_edge_module));
    return settings != nullptr && settings->redacts ? settings : nullptr;
}

ngx_int_t init_module(ngx_cycle_t* cycle) noexcept {
    if (const EdgeMainSettings* settings = redacting_settings(cycle); settings != nullptr)
        warn_of_debug_logs(cycle, *settings);
    return NGX_OK;
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
        return NGX_OK;
    const EdgeMainSettings* settings = redacting_settings(cycle);
    return settings == nullptr || mask_error_logs(cycle, *settings) ? NGX_OK : NGX_ERROR;
}

}  // namespace

}  // namespace herald

static ngx_http_module_t ngx_http_herald_edge_module_context = {
    nullptr,                            // preconfiguration
    herald::postconfiguration,          // postconfiguration
    herald::create_edge_main_settings,  // create main configuration
    nullptr,                            // init main configuration
    nullptr,                            // create server configuration
    nullptr,                            // merge server configuration
    herald::create_edge_settings,       // create location configuration
    herald::merge_edge_settings,        // merge location configuration
};

__attribute__((visibility("default"))) ngx_module_t ngx_http_herald_edge_module = {
    NGX_MODULE_V1,
    &ngx_http_herald_edge_module_context,
    herald::edge_commands,
    NGX_HTTP_MODULE,
    nullptr,               // init master
    herald::init_module,   // init module
    herald::init_process,  // init process
    nullptr,               // init thread
    nullptr,               // exit thread
    nullptr,               // exit process
    nullptr,               // exit master
    NGX_MODULE_V1_PADDING,
};
