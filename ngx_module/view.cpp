#include "view.hpp"

#include "headers.hpp"
#include "inquiry.hpp"
#include "ring/view_question.hpp"
#include "view_query.hpp"
#include "worker.hpp"

namespace herald {

namespace questions = ring::questions;

const char kViewRule[] =
    "it must be a name of 1 to 64 bytes, and may have \"/\" and up to 1024 more behind it, in "
    "UTF-8 "
    "without control characters";

namespace {

constexpr std::string_view kUnavailable = "Views unavailable";

class ViewInquiry final : public Inquiry {
  public:
    using Inquiry::Inquiry;

  protected:
    ngx_int_t respond(std::string* answer) override {
        ngx_http_request_t* r = request();
        if (answer == nullptr)
            return unavailable(r, kUnavailable);
        std::string_view body = *answer;
        questions::ViewAnswer head;
        if (!questions::take_view_answer(body, head) ||
            head.status == questions::ViewStatus::Malformed) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "herald: the sidecar's answer about a view does not decode");
            return unavailable(r, kUnavailable);
        }
        if (head.status == questions::ViewStatus::NotModified)
            return not_modified(r, make_view_tag(head.tag));

        // Large bodies go out as they came: the answer's bytes stay until the request's end.
        const size_t head_size = answer->size() - body.size();
        answer_ = std::move(*answer);
        return send(head, std::string_view(answer_).substr(head_size));
    }

  private:
    ngx_int_t send(const questions::ViewAnswer& head, std::string_view body) {
        ngx_http_request_t* r = request();
        // A flush is not answered by what the client has.
        r->disable_not_modified = (r->method & NGX_HTTP_POST) != 0;
        if (head.tag != 0 && !set_etag(r, make_view_tag(head.tag)))
            return NGX_ERROR;
        if (head.http_status == NGX_HTTP_SERVICE_UNAVAILABLE && !add_header(r, "Retry-After", "1"))
            return NGX_ERROR;
        return add_header(r, "Cache-Control", "no-cache") ? send_kept(r, head.http_status, body)
                                                          : NGX_ERROR;
    }

    std::string answer_{};
};

// NGX_OK; 404 or 400 where there can be no such view or item, not answered yet; or 500.
ngx_int_t make_view_question(ngx_http_request_t* r, questions::ViewQuestion& question) {
    ngx_str_t value;
    if (ngx_http_complex_value(r, location_settings(r)->channel, &value) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    const ViewPath path = split_view(view(value));
    if (!questions::is_view_name(path.name))
        return NGX_HTTP_NOT_FOUND;
    if (!questions::is_view_item(path.item) || r->args.len > questions::kMaxViewQuery)
        return NGX_HTTP_BAD_REQUEST;
    question.name = path.name;
    question.item = path.item;
    question.query = view(r->args);
    question.flush = (r->method & NGX_HTTP_POST) != 0;
    // A subrequest shows its main request's headers; a part of an answer cannot be unmodified.
    if (r == r->main && !question.flush && r->headers_in.if_none_match != nullptr)
        question.tags = parse_view_tags(view(r->headers_in.if_none_match->value));
    return NGX_OK;
}

ngx_int_t answer_view(ngx_http_request_t* r) {
    ngx_int_t rc =
        allow_methods(r, NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_POST, "GET, HEAD, POST");
    if (rc != NGX_OK || r->header_sent)
        return rc;
    questions::ViewQuestion question;
    rc = make_view_question(r, question);
    if (rc == NGX_HTTP_NOT_FOUND)
        return refuse(r, NGX_HTTP_NOT_FOUND, "No such view");
    if (rc == NGX_HTTP_BAD_REQUEST)
        return refuse(r, NGX_HTTP_BAD_REQUEST,
                      "Expected an item and a query string of at most 1024 bytes each, without "
                      "control characters");
    if (rc != NGX_OK)
        return rc;
    Worker* worker = Worker::current();
    if (worker == nullptr || !worker->asks().is_open())
        return unavailable(r, kUnavailable);

    ViewInquiry* made = Inquiry::keep(std::make_unique<ViewInquiry>(r));
    if (made == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    made->ask(*worker, questions::encode(question));
    ++r->main->count;
    return NGX_DONE;
}

}  // namespace

ngx_int_t view_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return answer_view(r); });
}

}  // namespace herald
