#include "cors.hpp"

#include <algorithm>

#include "edge_settings.hpp"
#include "headers.hpp"
#include "origin.hpp"
#include "presented.hpp"
#include "publish.hpp"
#include "refusal.hpp"
#include "settings.hpp"
#include "view.hpp"
#include "websocket.hpp"

namespace herald {

namespace {

constexpr std::string_view kAllowOrigin = "Access-Control-Allow-Origin";
constexpr std::string_view kAllowCredentials = "Access-Control-Allow-Credentials";
constexpr std::string_view kExposeHeaders = "Access-Control-Expose-Headers";
constexpr std::string_view kReadable = "Retry-After, WWW-Authenticate, X-Request-ID";

// The one Origin header of the request.
struct Asked {
    std::string_view origin{};
    int headers = 0;

    bool is_there() const { return headers != 0; }
    // `null` is what all sandboxed pages say: it tells nobody from nobody.
    bool is_usable() const { return headers == 1 && !origin.empty() && origin != "null"; }
};

Asked asked_by(ngx_http_request_t* r) {
    Asked asked;
    each_header(r, "Origin", [&](std::string_view value) {
        asked.origin = value;
        ++asked.headers;
    });
    return asked;
}

bool is_listed(const Cors& cors, const Asked& asked) {
    if (!cors.on || !asked.is_usable())
        return false;
    const auto origins = elements<std::string_view>(cors.origins);
    return cors.any || std::find(origins.begin(), origins.end(), asked.origin) != origins.end();
}

bool is_preflight(ngx_http_request_t* r) {
    if (r->method != NGX_HTTP_OPTIONS)
        return false;
    bool asks = false;
    each_header(r, "Access-Control-Request-Method", [&](std::string_view) { asks = true; });
    return asks;
}

bool is_from_here(ngx_http_request_t* r, const Asked& asked) {
    return asked.is_usable() && r->headers_in.host != nullptr &&
           is_own_origin(asked.origin, view(r->headers_in.host->value), is_secure(r));
}

// The headers that a page may send: what Herald reads, and where this location looks for keys.
bool add_allowed_headers(ngx_http_request_t* r) {
    std::string names = "Authorization, Last-Event-ID, Content-Type, Cache-Control";
    for (const KeyHeaders& keys : elements<KeyHeaders>(edge_settings(r)->token_from->keys)) {
        names.append(", ").append(keys.key);
        if (!keys.secret.empty())
            names.append(", ").append(keys.secret);
    }
    const ngx_str_t value = copy_to_pool(r->pool, names);
    return value.data != nullptr && add_header(r, "Access-Control-Allow-Headers", view(value));
}

ngx_int_t answer_preflight(ngx_http_request_t* r) {
    const ngx_http_handler_pt handler = location_settings(r)->handler;
    const bool takes_post =
        handler == nullptr || handler == publish_handler || handler == view_handler;
    if (!add_header(r, "Access-Control-Allow-Methods",
                    takes_post ? "GET, POST, OPTIONS" : "GET, OPTIONS") ||
        !add_allowed_headers(r) || !add_header(r, "Access-Control-Max-Age", "600"))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK)
        return rc;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = 0;
    r->header_only = 1;
    // To a phase's checker an answer that has been sent is no answer: NGX_OK would go on.
    ngx_http_finalize_request(r, ngx_http_send_header(r));
    return NGX_DONE;
}

// Whether the request comes with what a browser adds for any page, without asking the server first:
// a handshake, or something that is no mere look and has its token in a cookie.
bool is_unasked(ngx_http_request_t* r) {
    constexpr ngx_uint_t kLooks = NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS;
    return asks_for_websocket(r) ||
           (!(r->method & kLooks) && presented_token(r).from == TokenFrom::Cookie);
}

ngx_int_t forbid(ngx_http_request_t* r, const Asked& asked) {
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "herald: origin \"%*s\" is not allowed here, %d Origin headers",
                  std::min<size_t>(asked.origin.size(), 256), asked.origin.data(), asked.headers);
    return refuse_access(
        r, {.status = NGX_HTTP_FORBIDDEN, .body = R"({"detail":"Disallowed CORS origin"})"});
}

void hide_headers(ngx_http_request_t* r) {
    for (ngx_list_part_t* part = &r->headers_out.headers.part; part != nullptr; part = part->next) {
        auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
        for (ngx_uint_t i = 0; i < part->nelts; ++i) {
            for (std::string_view name : {kAllowOrigin, kAllowCredentials, kExposeHeaders}) {
                if (headers[i].key.len == name.size() &&
                    ngx_strncasecmp(headers[i].key.data, as_ngx_str(name).data, name.size()) == 0)
                    headers[i].hash = 0;
            }
        }
    }
}

}  // namespace

ngx_int_t judge_origin(ngx_http_request_t* r) noexcept {
    const EdgeSettings& settings = *edge_settings(r);
    // A browser adds its cookies to a handshake or a form from whatever page: who takes tokens from
    // them must know the page.
    const bool by_cookie = settings.token_from->cookies != nullptr;
    if (r != r->main || (!settings.cors->on && !by_cookie))
        return NGX_DECLINED;
    const Asked asked = asked_by(r);
    if (!asked.is_there())
        return NGX_DECLINED;
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR}, [&]() -> ngx_int_t {
        const bool listed = is_listed(*settings.cors, asked);
        if (settings.cors->on && is_preflight(r))
            return listed ? answer_preflight(r) : forbid(r, asked);
        // `*` is for pages without credentials, which a cookie is.
        const bool known = listed && !(settings.cors->any && by_cookie);
        if (!known && is_unasked(r) && !is_from_here(r, asked))
            return forbid(r, asked);
        return NGX_DECLINED;
    });
}

bool add_cors_headers(ngx_http_request_t* r) {
    const Cors& cors = *edge_settings(r)->cors;
    if (!cors.on)
        return true;
    hide_headers(r);
    if (!add_header(r, "Vary", "Origin"))
        return false;
    const Asked asked = asked_by(r);
    if (!is_listed(cors, asked))
        return true;
    return add_header(r, kAllowOrigin, cors.any ? "*" : asked.origin) &&
           (!cors.credentials || add_header(r, kAllowCredentials, "true")) &&
           add_header(r, kExposeHeaders, kReadable);
}

}  // namespace herald
