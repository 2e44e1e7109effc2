#include "refusal.hpp"

#include "edge_settings.hpp"
#include "headers.hpp"

namespace herald {

namespace {

constexpr std::string_view kAuthenticate = "WWW-Authenticate";

// The edge module's context of a request. Internal redirects (error_page to a URI or a named
// location) clear contexts, and with them the refusal: another response is on its way then.
struct Note {
    ngx_uint_t status;
    std::string_view body;
    ngx_table_elt_t* authenticate;  // nullptr: none
    ngx_table_elt_t* previous;      // another module's WWW-Authenticate, that was there before
    bool in_response;               // the header has been sent
    bool body_sent;
};

Note* note_of(ngx_http_request_t* r) {
    return static_cast<Note*>(ngx_http_get_module_ctx(r, ngx_http_herald_edge_module));
}

void hide(ngx_table_elt_t* header) {
    if (header != nullptr)
        header->hash = 0;
}

// Hides what an earlier refusal of this request has said, before an error_page led to another one.
void hide_challenge(ngx_http_request_t* r, std::string_view value) {
    for (ngx_list_part_t* part = &r->headers_out.headers.part; part != nullptr; part = part->next) {
        auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
        for (ngx_uint_t i = 0; i < part->nelts; ++i) {
            if (view(headers[i].key) == kAuthenticate && view(headers[i].value) == value)
                hide(&headers[i]);
        }
    }
}

// Adds WWW-Authenticate beside those of other modules. `satisfy any` hides what
// headers_out.www_authenticate points to: since nginx 1.23 a list, before that one header, so that
// forget_refusal has to see to the others.
bool add_authenticate(ngx_http_request_t* r, std::string_view value, Note& note) {
    hide_challenge(r, value);
    if (!add_header(r, kAuthenticate, value))
        return false;
    ngx_list_part_t* last = r->headers_out.headers.last;
    auto* header = static_cast<ngx_table_elt_t*>(last->elts) + last->nelts - 1;
    note.previous = r->headers_out.www_authenticate;
#if nginx_version >= 1023000
    header->next = note.previous;
#endif
    note.authenticate = r->headers_out.www_authenticate = header;
    return true;
}

}  // namespace

ngx_int_t refuse_access(ngx_http_request_t* r, const Refusal& refusal) {
    if (Note* earlier = note_of(r); earlier != nullptr)
        hide(earlier->authenticate);
    auto* note = static_cast<Note*>(ngx_pcalloc(r->pool, sizeof(Note)));
    if (note == nullptr)
        return NGX_ERROR;
    const ngx_str_t body = copy_to_pool(r->pool, refusal.body);
    if (body.data == nullptr)
        return NGX_ERROR;
    note->status = refusal.status;
    note->body = view(body);
    if (!refusal.authenticate.empty()) {
        const ngx_str_t value = copy_to_pool(r->pool, refusal.authenticate);
        if (value.data == nullptr || !add_authenticate(r, view(value), *note))
            return NGX_ERROR;
    }
    ngx_http_set_ctx(r, note, ngx_http_herald_edge_module);
    return static_cast<ngx_int_t>(refusal.status);
}

ngx_int_t forget_refusal(ngx_http_request_t* r) noexcept {
    if (Note* note = note_of(r); note != nullptr) {
        hide(note->authenticate);
        if (note->authenticate != nullptr)
            hide(note->previous);
        ngx_http_set_ctx(r, nullptr, ngx_http_herald_edge_module);
    }
    return NGX_DECLINED;
}

void shape_refusal_header(ngx_http_request_t* r) {
    Note* note = note_of(r);
    // Only a special response has an err_status; a proxied 401 is the upstream's own.
    if (note == nullptr || r->err_status != note->status || note->body.empty())
        return;
    constexpr std::string_view kType = "application/json";
    r->headers_out.content_type = as_ngx_str(kType);
    r->headers_out.content_type_len = kType.size();
    r->headers_out.content_type_lowcase = nullptr;
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);
    r->headers_out.content_length_n = static_cast<off_t>(note->body.size());
    note->in_response = true;
}

ngx_chain_t* shape_refusal_body(ngx_http_request_t* r, ngx_chain_t* in, bool& failed) {
    Note* note = note_of(r);
    if (note == nullptr || !note->in_response || in == nullptr)
        return in;
    for (ngx_chain_t* link = in; link != nullptr; link = link->next)
        link->buf->pos = link->buf->last;  // nginx's page
    if (note->body_sent)
        return nullptr;

    ngx_chain_t* out = ngx_alloc_chain_link(r->pool);
    ngx_buf_t* buffer = static_cast<ngx_buf_t*>(ngx_calloc_buf(r->pool));
    if (out == nullptr || buffer == nullptr) {
        failed = true;
        return nullptr;
    }
    const ngx_str_t body = as_ngx_str(note->body);
    buffer->pos = buffer->start = body.data;
    buffer->last = buffer->end = body.data + body.len;
    buffer->memory = 1;
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;
    *out = {buffer, nullptr};
    note->body_sent = true;
    return out;
}

}  // namespace herald
