#include "redaction.hpp"

#include "token_scan.hpp"

namespace herald {

namespace {

// What a request held before it was redacted. It hangs on the pool's clean-ups, where it can be
// found again when an internal redirect has cleared the contexts.
struct Aside {
    std::string_view args;  // the first query with a token in it; empty: none had one
    OriginalHeader* subprotocols;
    const u_char* masked;  // the query that was overwritten last
};

void keep_for_lookup(void*) noexcept {}

// nullptr: the request has not been redacted yet.
Aside* aside_of(ngx_http_request_t* r) {
    for (ngx_pool_cleanup_t* at = r->pool->cleanup; at != nullptr; at = at->next) {
        if (at->handler == keep_for_lookup)
            return static_cast<Aside*>(at->data);
    }
    return nullptr;
}

std::span<char> bytes(const ngx_str_t& text) {
    return {reinterpret_cast<char*>(text.data), text.data == nullptr ? 0 : text.len};
}

template <class Found>
void each_value(ngx_http_request_t* r, std::string_view name, Found&& found) {
    each_header(r, name, [&](std::string_view value) {
        found(std::span<char>(const_cast<char*>(value.data()), value.size()));
    });
}

// Overwrites the tokens in every text that nginx keeps of the request, but for the query.
void mask(ngx_http_request_t* r) {
    const auto names = elements<std::string_view>(edge_main_settings(r)->queries);
    mask_request_line(bytes(r->request_line), names);
    mask_uri(bytes(r->unparsed_uri), names);
    each_value(r, "Referer", [&](std::span<char> value) { mask_uri(value, names); });
    each_value(r, "Sec-WebSocket-Protocol", mask_subprotocols);
}

// What $request would show of a line that came only in part, or was too long.
void find_request_line(ngx_http_request_t* r) {
    if (r->request_line.data != nullptr || r->request_start == nullptr || r->header_in == nullptr)
        return;
    u_char* end = r->request_start;
    while (end < r->header_in->last && *end != CR && *end != LF)
        ++end;
    r->request_line = {static_cast<size_t>(end - r->request_start), r->request_start};
}

void mask_args(ngx_http_request_t* r) {
    mask_query(bytes(r->args), elements<std::string_view>(edge_main_settings(r)->queries));
}

// Gives the request a query of its own: what a redirect or a `set` has brought may be the
// configuration's text. False: no memory.
bool own_args(ngx_http_request_t* r) {
    const ngx_str_t own = copy_to_pool(r->pool, view(r->args));
    if (own.data == nullptr)
        return false;
    r->args = own;
    return true;
}

// Overwrites the tokens in the query, and puts it aside if it had one; false: no memory.
bool redact_query(ngx_http_request_t* r, Aside& aside) {
    if (r->args.len == 0)
        return true;
    const ngx_str_t original = copy_to_pool(r->pool, view(r->args));
    if (original.data == nullptr || (r->internal && !own_args(r)))
        return false;
    mask_args(r);
    aside.masked = r->args.data;
    if (aside.args.empty() && view(original) != view(r->args))
        aside.args = view(original);
    return true;
}

// Copies the offers of subprotocols, which `mask` will overwrite; false: no memory.
bool put_offers_aside(ngx_http_request_t* r, Aside& aside) {
    OriginalHeader** last = &aside.subprotocols;
    bool failed = false;
    each_header(r, "Sec-WebSocket-Protocol", [&](std::string_view value) {
        const ngx_str_t copy = copy_to_pool(r->pool, value);
        void* memory = ngx_palloc(r->pool, sizeof(OriginalHeader));
        if (copy.data == nullptr || memory == nullptr) {
            failed = true;
            return;
        }
        *last = new (memory) OriginalHeader{view(copy), nullptr};
        last = &(*last)->next;
    });
    return !failed;
}

// Puts aside what presented_token will ask for, and overwrites it. A request with an Aside is one
// that is redacted. False: no memory.
bool redact(ngx_http_request_t* r) {
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(Aside));
    if (cleanup == nullptr)
        return false;
    auto* aside = new (cleanup->data) Aside{};
    if (!put_offers_aside(r, *aside) || !redact_query(r, *aside))
        return false;
    mask(r);
    cleanup->handler = keep_for_lookup;
    return true;
}

bool wants_redaction(ngx_http_request_t* r) {
    return r == r->main && edge_main_settings(r)->redacts;
}

}  // namespace

void want_redaction(ngx_conf_t* cf) {
    edge_main_settings(cf)->redacts = true;
}

bool add_secret_name(ngx_conf_t* cf, ngx_array_t*& names, std::string_view name) {
    for (std::string_view known : elements<std::string_view>(names)) {
        if (known == name)
            return true;
    }
    if (names == nullptr)
        names = ngx_array_create(cf->pool, 4, sizeof(std::string_view));
    void* slot = names == nullptr ? nullptr : ngx_array_push(names);
    if (slot != nullptr)
        new (slot) std::string_view(name);
    return slot != nullptr;
}

std::string_view original_args(ngx_http_request_t* r) {
    const Aside* aside = aside_of(r);
    return aside != nullptr && !aside->args.empty() ? aside->args : view(r->args);
}

const OriginalHeader* original_subprotocols(ngx_http_request_t* r) {
    const Aside* aside = aside_of(r);
    return aside != nullptr ? aside->subprotocols : nullptr;
}

bool is_redaction_cleanup(ngx_pool_cleanup_pt handler) {
    return handler == keep_for_lookup;
}

ngx_int_t redact_request(ngx_http_request_t* r) noexcept {
    if (!wants_redaction(r))
        return NGX_DECLINED;
    return redact(r) ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t redact_redirected_request(ngx_http_request_t* r) noexcept {
    if (!r->internal || !wants_redaction(r))
        return NGX_DECLINED;
    if (Aside* aside = aside_of(r); aside != nullptr)
        return redact_query(r, *aside) ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
    find_request_line(r);
    return redact(r) ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t redact_named_request(ngx_http_request_t* r) noexcept {
    // Arguments that a rewrite has set are the operator's.
    if (!r->internal || !wants_redaction(r) || aside_of(r) != nullptr)
        return NGX_DECLINED;
    return redact(r) ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t redact_broken_request(ngx_http_request_t* r) noexcept {
    if (!wants_redaction(r))
        return NGX_OK;
    find_request_line(r);
    const Aside* aside = aside_of(r);
    const bool is_clients = aside == nullptr && !r->internal;
    if (is_clients || (r->args.len != 0 && (aside == nullptr || aside->masked != r->args.data))) {
        if (!is_clients && !own_args(r))
            r->args = {};
        mask_args(r);
    }
    mask(r);
    return NGX_OK;
}

}  // namespace herald
