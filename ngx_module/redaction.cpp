#include "redaction.hpp"

#include "token_scan.hpp"

namespace herald {

namespace {

// What a request held before it was redacted. It hangs on the pool's clean-ups, where it can be
// found again when an internal redirect has cleared the contexts.
struct Aside {
    std::string_view args;
    OriginalHeader* subprotocols;
};

void keep_for_lookup(void*) noexcept {}

const Aside* aside_of(ngx_http_request_t* r) {
    for (ngx_pool_cleanup_t* at = r->pool->cleanup; at != nullptr; at = at->next) {
        if (at->handler == keep_for_lookup)
            return static_cast<const Aside*>(at->data);
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

// Overwrites the tokens in every text that nginx keeps of the request.
void mask(ngx_http_request_t* r) {
    const auto names = elements<std::string_view>(edge_main_settings(r)->queries);
    mask_request_line(bytes(r->request_line), names);
    mask_uri(bytes(r->unparsed_uri), names);
    mask_query(bytes(r->args), names);
    each_value(r, "Referer", [&](std::span<char> value) { mask_uri(value, names); });
    each_value(r, "Sec-WebSocket-Protocol", mask_subprotocols);
}

// Copies what `mask` will overwrite and presented_token will ask for; nullptr: no memory.
Aside* put_aside(ngx_http_request_t* r) {
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(Aside));
    if (cleanup == nullptr)
        return nullptr;
    auto* aside = new (cleanup->data) Aside{};
    cleanup->handler = keep_for_lookup;

    const ngx_str_t args = copy_to_pool(r->pool, view(r->args));
    if (args.data == nullptr)
        return nullptr;
    aside->args = view(args);
    OriginalHeader** last = &aside->subprotocols;
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
    return failed ? nullptr : aside;
}

// Whether presented_token could find something that `mask` overwrites.
bool may_hold_token(ngx_http_request_t* r) {
    if (r->args.len != 0)
        return true;
    bool offers = false;
    each_header(r, "Sec-WebSocket-Protocol", [&](std::string_view) { offers = true; });
    return offers;
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
    if (r != r->main || !edge_main_settings(r)->redacts)
        return NGX_DECLINED;
    Aside* aside = nullptr;
    if (may_hold_token(r) && (aside = put_aside(r)) == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    mask(r);
    if (aside != nullptr && aside->args == view(r->args))
        aside->args = {};  // no token in it
    return NGX_DECLINED;
}

ngx_int_t redact_broken_request(ngx_http_request_t* r) noexcept {
    if (r != r->main || !edge_main_settings(r)->redacts)
        return NGX_OK;
    // What $request would show of a line that came only in part, or was too long.
    if (r->request_line.data == nullptr && r->request_start != nullptr && r->header_in != nullptr) {
        u_char* end = r->request_start;
        while (end < r->header_in->last && *end != CR && *end != LF)
            ++end;
        r->request_line = {static_cast<size_t>(end - r->request_start), r->request_start};
    }
    mask(r);
    return NGX_OK;
}

}  // namespace herald
