// Headers of a request and its response, how it came, and short JSON answers: what all content
// handlers need.
#pragma once

#include <string_view>

#include "ngx.hpp"

namespace herald {

// Calls found(value) for each request header of that name, in any case.
template <class Found>
void each_header(ngx_http_request_t* r, std::string_view name, Found&& found) {
    for (ngx_list_part_t* part = &r->headers_in.headers.part; part != nullptr; part = part->next) {
        auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
        for (ngx_uint_t i = 0; i < part->nelts; ++i) {
            if (headers[i].key.len == name.size() &&
                ngx_strncasecmp(headers[i].key.data,
                                reinterpret_cast<u_char*>(const_cast<char*>(name.data())),
                                name.size()) == 0)
                found(view(headers[i].value));
        }
    }
}

// Whether the request came over TLS. By the connection, which knows it whatever nginx was built
// with.
inline bool is_secure([[maybe_unused]] const ngx_http_request_t* r) {
#if (NGX_SSL || NGX_COMPAT)
    return r->connection->ssl != nullptr;
#else
    return false;
#endif
}

// Adds a response header. The bytes of name and value outlive the request; false when memory is
// out.
inline bool add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) {
    auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
    if (header == nullptr)
        return false;
    ngx_memzero(header, sizeof *header);
    header->hash = 1;
    header->key = as_ngx_str(name);
    header->value = as_ngx_str(value);
    return true;
}

// Sends a whole response with a body; the body is copied. Returns what a content handler returns.
inline ngx_int_t send_body(ngx_http_request_t* r, ngx_uint_t status, std::string_view type,
                           std::string_view body) {
    r->headers_out.status = status;
    r->headers_out.content_length_n = static_cast<off_t>(body.size());
    r->headers_out.content_type = as_ngx_str(type);
    r->headers_out.content_type_len = type.substr(0, type.find(';')).size();
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;

    ngx_buf_t* buffer = ngx_create_temp_buf(r->pool, body.size());
    if (buffer == nullptr)
        return NGX_ERROR;
    buffer->last = ngx_cpymem(buffer->last, body.data(), body.size());
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;
    ngx_chain_t chain{buffer, nullptr};
    return ngx_http_output_filter(r, &chain);
}

// The same with a body that lives as long as the request, and is not copied.
inline ngx_int_t send_kept(ngx_http_request_t* r, ngx_uint_t status, std::string_view body) {
    r->headers_out.status = status;
    r->headers_out.content_length_n = static_cast<off_t>(body.size());
    r->headers_out.content_type = as_ngx_str("application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;

    auto* buffer = static_cast<ngx_buf_t*>(ngx_calloc_buf(r->pool));
    if (buffer == nullptr)
        return NGX_ERROR;
    buffer->pos = as_ngx_str(body).data;
    buffer->last = buffer->pos + body.size();
    buffer->memory = body.empty() ? 0 : 1;
    buffer->sync = body.empty() ? 1 : 0;  // nginx takes an empty one for a mistake otherwise
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;
    ngx_chain_t chain{buffer, nullptr};
    return ngx_http_output_filter(r, &chain);
}

// Gives the response an entity tag, where filters look for it; false when memory is out.
inline bool set_etag(ngx_http_request_t* r, std::string_view tag) {
    const ngx_str_t value = copy_to_pool(r->pool, tag);
    auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
    if (header == nullptr)
        return false;
    ngx_memzero(header, sizeof *header);
    if (value.data == nullptr)
        return false;
    header->hash = 1;
    header->key = as_ngx_str("ETag");
    header->value = value;
    r->headers_out.etag = header;
    return true;
}

// 304: what the client has, under this tag, is still what it would get.
inline ngx_int_t not_modified(ngx_http_request_t* r, std::string_view tag) {
    if (!set_etag(r, tag) || !add_header(r, "Cache-Control", "no-cache"))
        return NGX_ERROR;
    r->headers_out.status = NGX_HTTP_NOT_MODIFIED;
    return ngx_http_send_header(r);
}

// A refusal: {"detail":"…"}. `detail` is plain ASCII without quotes.
inline ngx_int_t refuse(ngx_http_request_t* r, ngx_uint_t status, std::string_view detail) {
    std::string body = R"({"detail":")";
    body.append(detail).append("\"}");
    return send_body(r, status, "application/json", body);
}

// Answers 405 unless the method is one of `methods` (bits of nginx's), which `names` lists; NGX_OK
// when it is. Discards the request's body.
inline ngx_int_t allow_methods(ngx_http_request_t* r, ngx_uint_t methods, std::string_view names) {
    const ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK || (r->method & methods) != 0)
        return rc;
    return add_header(r, "Allow", names) ? refuse(r, NGX_HTTP_NOT_ALLOWED, "Method Not Allowed")
                                         : NGX_ERROR;
}

inline ngx_int_t allow_get(ngx_http_request_t* r) {
    return allow_methods(r, NGX_HTTP_GET | NGX_HTTP_HEAD, "GET, HEAD");
}

}  // namespace herald
