#include "fetch.hpp"

#include <algorithm>

#include "configuring.hpp"
#include "headers.hpp"
#include "json_text.hpp"
#include "refusal.hpp"

namespace herald {

namespace {

// A path that variables have made: nginx does not normalise that of a subrequest.
bool is_sound_path(std::string_view path) {
    if (path.empty() || path[0] != '/')
        return false;
    for (unsigned char c : path) {
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    for (size_t at = path.find("/.."); at != std::string_view::npos;
         at = path.find("/..", at + 1)) {
        if (at + 3 == path.size() || path[at + 3] == '/')
            return false;
    }
    return true;
}

std::string_view detail_of(ngx_uint_t status) {
    switch (status) {
        case NGX_HTTP_UNAUTHORIZED:
            return "Authentication required";
        case NGX_HTTP_FORBIDDEN:
            return "Access denied";
        case NGX_HTTP_NOT_FOUND:
            return "Not Found";
        case NGX_HTTP_BAD_GATEWAY:
            return "Bad Gateway";
        case NGX_HTTP_SERVICE_UNAVAILABLE:
            return "Service Unavailable";
        default:
            return "Refused";
    }
}

}  // namespace

char* compile_fetch_uri(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t text, FetchUri& uri) {
    if (text.len == 0 || text.data[0] != '/')
        return reject(cf, cmd, "needs a URI that begins with \"/\", not \"%V\"", &text);
    const std::string_view whole = view(text);
    const size_t mark = whole.find('?');
    ngx_str_t path = as_ngx_str(whole.substr(0, mark));
    if (compile_value(cf, &path, &uri.path) != NGX_CONF_OK)
        return kConfError;
    uri.args = nullptr;
    if (mark == std::string_view::npos)
        return NGX_CONF_OK;
    ngx_str_t args = as_ngx_str(whole.substr(mark + 1));
    uri.args = allocate<ngx_http_complex_value_t>(cf);
    return uri.args == nullptr ? kConfError : compile_value(cf, &args, uri.args);
}

ngx_int_t evaluate_fetch_uri(ngx_http_request_t* r, const FetchUri& uri, FetchTarget& target) {
    auto* path = const_cast<ngx_http_complex_value_t*>(&uri.path);
    if (ngx_http_complex_value(r, path, &target.path) != NGX_OK ||
        (uri.args != nullptr && ngx_http_complex_value(r, uri.args, &target.args) != NGX_OK))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (is_sound_path(view(target.path)))
        return NGX_OK;
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "herald: no subrequest to \"%V\": a path begins with \"/\" and has neither "
                  "\"..\" nor control characters",
                  &target.path);
    return NGX_HTTP_BAD_REQUEST;
}

Fetch* Fetch::start(ngx_http_request_t* r, const FetchTarget& target,
                    std::function<void(Fetch&)> done) {
    Fetch* fetch = make_in_pool<Fetch>(r->pool);
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_get_module_main_conf(r, ngx_http_core_module));
    const size_t size = core->variables.nelts * sizeof(ngx_http_variable_value_t);
    auto* variables = static_cast<ngx_http_variable_value_t*>(ngx_pnalloc(r->pool, size));
    if (fetch == nullptr || variables == nullptr)
        return nullptr;
    fetch->post_ = {on_done, fetch};

    ngx_str_t path = target.path, args = target.args;
    ngx_http_request_t* sr;
    if (ngx_http_subrequest(r, &path, &args, &sr, &fetch->post_, NGX_HTTP_SUBREQUEST_BACKGROUND) !=
        NGX_OK)
        return nullptr;
    fetch->done_ = std::move(done);
    ngx_memcpy(variables, r->variables, size);
    sr->variables = variables;
    sr->filter_need_in_memory = 1;
    // A Content-Length without its body would have the backend wait for it.
    sr->request_body = nullptr;
    sr->headers_in.content_length_n = -1;
    sr->headers_in.chunked = 0;
    // One of its own could never be put in order: nobody sends what this one's filters hold back.
    sr->subrequests = 0;
    return fetch;
}

bool take_fetched_body(ngx_http_request_t* r, ngx_chain_t* in) {
    if (r == r->main || r->post_subrequest == nullptr ||
        r->post_subrequest->handler != Fetch::on_done)
        return false;
    static_cast<Fetch*>(r->post_subrequest->data)->take(in);
    return true;
}

void Fetch::take(ngx_chain_t* in) {
    for (; in != nullptr; in = in->next) {
        ngx_buf_t* buffer = in->buf;
        if (ngx_buf_in_memory(buffer)) {
            const auto size = static_cast<size_t>(buffer->last - buffer->pos);
            if (body_.size() + size > kMaxBody)
                too_large_ = true;
            else if (!too_large_)
                body_.append(reinterpret_cast<char*>(buffer->pos), size);
            buffer->pos = buffer->last;
        }
        buffer->file_pos = buffer->file_last;
    }
}

ngx_int_t Fetch::on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept {
    guard(sr->connection->log, [&] { static_cast<Fetch*>(data)->finish(sr, rc); });
    // Whatever it was, it has been dealt with: no error page, and no end of the main request.
    return NGX_OK;
}

void Fetch::finish(ngx_http_request_t* sr, ngx_int_t rc) {
    if (is_done())
        return;
    status_ = rc >= NGX_HTTP_OK             ? static_cast<ngx_uint_t>(rc)
              : rc == NGX_ERROR             ? ngx_uint_t{NGX_HTTP_BAD_GATEWAY}
              : sr->headers_out.status != 0 ? sr->headers_out.status
                                            : ngx_uint_t{NGX_HTTP_OK};
    const ngx_str_t uri = sr->uri;
    ngx_table_elt_t* encoding = sr->headers_out.content_encoding;
    const bool encoded = encoding != nullptr && encoding->value.len != 0;
    const ngx_table_elt_t* challenge = sr->headers_out.www_authenticate;
    if (challenge == nullptr && sr->upstream != nullptr)
        challenge = sr->upstream->headers_in.www_authenticate;
    if (challenge != nullptr)
        authenticate_ = challenge->value;

    if (too_large_ || encoded || !is_json(body_)) {
        if (status_ < NGX_HTTP_SPECIAL_RESPONSE)
            ngx_log_error(NGX_LOG_ERR, sr->connection->log, 0,
                          "herald: the subrequest to \"%V\" was answered with %s", &uri,
                          too_large_ ? "more than 1 MB"
                          : encoded  ? "a compressed body, its location needs "
                                       "proxy_set_header Accept-Encoding \"\""
                                     : "something that is no JSON");
        body_.clear();
    } else {
        make_one_line(body_);
        has_json_ = status_ >= NGX_HTTP_OK && status_ < NGX_HTTP_SPECIAL_RESPONSE;
    }
    if (status_ >= NGX_HTTP_INTERNAL_SERVER_ERROR)
        ngx_log_error(NGX_LOG_ERR, sr->connection->log, 0,
                      "herald: the subrequest to \"%V\" has failed with status %ui", &uri, status_);
    if (done_)
        std::exchange(done_, nullptr)(*this);
}

ngx_uint_t Fetch::refusal_status() const {
    if (status_ >= NGX_HTTP_BAD_REQUEST && status_ < NGX_HTTP_INTERNAL_SERVER_ERROR)
        return status_;
    return status_ == NGX_HTTP_SERVICE_UNAVAILABLE || status_ == NGX_HTTP_GATEWAY_TIME_OUT
               ? ngx_uint_t{NGX_HTTP_SERVICE_UNAVAILABLE}
               : ngx_uint_t{NGX_HTTP_BAD_GATEWAY};
}

std::string Fetch::refusal_body() const {
    const ngx_uint_t status = refusal_status();
    if (status == status_ && status < NGX_HTTP_INTERNAL_SERVER_ERROR && !body_.empty())
        return body_;
    return R"({"detail":")" + std::string(detail_of(status)) + "\"}";
}

ngx_int_t Fetch::refuse(ngx_http_request_t* r) {
    const ngx_uint_t status = refusal_status();
    const std::string body = refusal_body();
    if (status == NGX_HTTP_SERVICE_UNAVAILABLE && !add_header(r, "Retry-After", "1"))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    Refusal refusal;
    refusal.status = status;
    refusal.body = body;
    if (status == NGX_HTTP_UNAUTHORIZED)
        refusal.authenticate = view(authenticate_);
    ngx_str_t uri = r->uri;
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "herald: \"%V\" was refused, the subrequest has the status %ui", &uri, status_);
    return refuse_access(r, refusal);
}

}  // namespace herald
