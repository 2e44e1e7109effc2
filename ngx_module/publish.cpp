#include "publish.hpp"

#include "encoding.hpp"
#include "headers.hpp"
#include "inquiry.hpp"
#include "ring/questions.hpp"
#include "subscribe.hpp"
#include "worker.hpp"

namespace herald {

namespace questions = ring::questions;

namespace {

constexpr std::string_view kUnavailable = "Publishing unavailable";
constexpr std::string_view kTooLarge = "The event is larger than max_message";
constexpr std::string_view kUnknown =
    "No answer in time: the event may or may not have been published";

// Answers without having read the body.
template <class Answer>
ngx_int_t without_body(ngx_http_request_t* r, Answer&& answer) {
    const ngx_int_t rc = ngx_http_discard_request_body(r);
    return rc == NGX_OK ? answer() : rc;
}

// The sidecar's own words, or ours where it has none.
ngx_int_t refuse_as_told(ngx_http_request_t* r, ngx_uint_t status, std::string_view text,
                         std::string_view otherwise) {
    std::string detail;
    append_json_text(detail, text.empty() ? otherwise : text);
    return refuse(r, status, detail);
}

// The request's body, wherever nginx has put it. False when a temporary file cannot be read.
bool collect_body(ngx_http_request_t* r, uint64_t limit, std::string& body) {
    if (r->request_body == nullptr)
        return true;
    for (ngx_chain_t* link = r->request_body->bufs; link != nullptr; link = link->next) {
        ngx_buf_t* buffer = link->buf;
        if (ngx_buf_in_memory(buffer)) {
            body.append(view({static_cast<size_t>(buffer->last - buffer->pos), buffer->pos}));
            continue;
        }
        if (!buffer->in_file)
            continue;
        size_t left = static_cast<size_t>(buffer->file_last - buffer->file_pos);
        if (body.size() + left > limit) {
            body.resize(limit + 1);  // more than any event: the rest does not matter
            return true;
        }
        off_t from = buffer->file_pos;
        while (left != 0) {
            const size_t before = body.size();
            body.resize(before + left);
            const ssize_t size = ngx_read_file(
                buffer->file, reinterpret_cast<u_char*>(body.data() + before), left, from);
            if (size <= 0)
                return false;
            body.resize(before + static_cast<size_t>(size));
            left -= static_cast<size_t>(size);
            from += size;
        }
    }
    return true;
}

class Publish final : public Inquiry {
  public:
    Publish(ngx_http_request_t* r, std::string channel)
        : Inquiry(r), channel_(std::move(channel)) {}

    // The body is there. NGX_DONE: the answer comes later.
    ngx_int_t start() {
        ngx_http_request_t* r = request();
        Worker* worker = Worker::current();
        if (worker == nullptr || !worker->asks().is_open())
            return unavailable(r, kUnavailable);
        const uint64_t limit = worker->ring()->header().max_message;
        std::string body;
        if (!collect_body(r, limit, body))
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        if (body.empty())
            return refuse(r, NGX_HTTP_BAD_REQUEST, "The body must be one JSON value");
        if (body.size() > limit)
            return refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, kTooLarge);
        ask(*worker, questions::encode_publish(channel_, body));
        return NGX_DONE;
    }

  protected:
    ngx_int_t respond(std::string* answer) override {
        ngx_http_request_t* r = request();
        std::string_view text = answer == nullptr ? std::string_view() : *answer;
        questions::PublishAnswer header;
        header.status = questions::PublishStatus::Unknown;
        if (answer != nullptr && !questions::take_bytes(text, header))
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "herald: the sidecar's answer about an event does not decode");

        switch (header.status) {
            case questions::PublishStatus::Accepted: {
                const std::string body =
                    R"({"id":")" + ring::to_string({header.log, header.seq}) + "\"}";
                return add_header(r, "Cache-Control", "no-store")
                           ? send_body(r, NGX_HTTP_ACCEPTED, "application/json", body)
                           : NGX_ERROR;
            }
            case questions::PublishStatus::Malformed:
                return refuse_as_told(r, NGX_HTTP_BAD_REQUEST, text, "The body is no event");
            case questions::PublishStatus::TooLarge:
                return refuse_as_told(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, text, kTooLarge);
            case questions::PublishStatus::NoFeed:
                return refuse_as_told(r, NGX_HTTP_NOT_FOUND, text, "No feed has this channel");
            case questions::PublishStatus::Unavailable:
                return add_header(r, "Retry-After", "1")
                           ? refuse_as_told(r, NGX_HTTP_SERVICE_UNAVAILABLE, text, kUnavailable)
                           : NGX_ERROR;
            case questions::PublishStatus::Unknown:
                break;
        }
        return refuse(r, NGX_HTTP_GATEWAY_TIME_OUT, kUnknown);
    }

  private:
    std::string channel_;
};

void on_body(ngx_http_request_t* r) noexcept {
    const ngx_int_t rc = guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                               [&] { return static_cast<Publish*>(Inquiry::of(r))->start(); });
    if (rc != NGX_DONE)
        ngx_http_finalize_request(r, rc);
}

ngx_int_t publish(ngx_http_request_t* r) {
    if (!(r->method & NGX_HTTP_POST)) {
        return without_body(r, [&] {
            return add_header(r, "Allow", "POST")
                       ? refuse(r, NGX_HTTP_NOT_ALLOWED, "Method Not Allowed")
                       : NGX_ERROR;
        });
    }
    std::string channel;
    ngx_int_t rc = evaluate_channel(r, *location_settings(r)->channel, channel);
    if (rc == NGX_HTTP_BAD_REQUEST)
        return without_body(r, [&] { return refuse(r, NGX_HTTP_BAD_REQUEST, kChannelRule); });
    if (rc != NGX_OK)
        return rc;
    Worker* worker = Worker::current();
    if (worker == nullptr || !worker->asks().is_open())
        return without_body(r, [&] { return unavailable(r, kUnavailable); });
    if (r->headers_in.content_length_n > off_t{worker->ring()->header().max_message}) {
        return without_body(
            r, [&] { return refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, kTooLarge); });
    }

    if (Inquiry::keep(std::make_unique<Publish>(r, std::move(channel))) == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    r->request_body_in_single_buf = 1;
    rc = ngx_http_read_client_request_body(r, on_body);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

}  // namespace

ngx_int_t publish_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return publish(r); });
}

}  // namespace herald
