#include "inquiry.hpp"

#include "headers.hpp"
#include "ring/names.hpp"
#include "subscribe.hpp"
#include "worker.hpp"

namespace herald {

namespace {

constexpr ngx_msec_t kPatience = 10'000;  // milliseconds

void destroy(void* data) noexcept {
    delete static_cast<Inquiry*>(data);
}

}  // namespace

// Both clean-ups are there before there is anything to clean up.
bool Inquiry::bind(std::unique_ptr<Inquiry> inquiry) {
    ngx_http_request_t* r = inquiry->request_;
    ngx_pool_cleanup_t* at_end = ngx_pool_cleanup_add(r->pool, 0);
    ngx_http_cleanup_t* at_close = ngx_http_cleanup_add(r, 0);
    if (at_end == nullptr || at_close == nullptr)
        return false;
    at_close->handler = on_close;
    at_close->data = inquiry.get();
    at_end->handler = destroy;
    at_end->data = inquiry.release();
    return true;
}

Inquiry* Inquiry::of(ngx_http_request_t* r) {
    for (ngx_http_cleanup_t* at = r->main->cleanup; at != nullptr; at = at->next) {
        auto* inquiry = static_cast<Inquiry*>(at->data);
        if (at->handler == on_close && inquiry->request_ == r)
            return inquiry;
    }
    return nullptr;
}

void Inquiry::ask(Worker& worker, std::string question) {
    timer_.handler = on_timer;
    timer_.data = this;
    timer_.log = request_->connection->log;
    number_ = worker.asks().ask(std::move(question), [this](std::string* answer) {
        number_ = 0;
        settle(answer);
    });
    ngx_add_timer(&timer_, kPatience);

    // A body that is still being discarded has its own handler, which notices the client's end,
    // too.
    if (!request_->discard_body)
        request_->read_event_handler = ngx_http_test_reading;
    request_->write_event_handler = ngx_http_request_empty_handler;
}

void Inquiry::on_timer(ngx_event_t* event) noexcept {
    auto* inquiry = static_cast<Inquiry*>(event->data);
    ngx_log_error(NGX_LOG_ERR, event->log, 0, "herald: no answer from the sidecar within %M ms",
                  kPatience);
    inquiry->settle(nullptr);
}

// nginx has given up the request, or is through with it.
void Inquiry::on_close(void* data) noexcept {
    static_cast<Inquiry*>(data)->withdraw();
}

void Inquiry::withdraw() noexcept {
    if (timer_.timer_set)
        ngx_del_timer(&timer_);
    Worker* worker = Worker::current();
    if (number_ != 0 && worker != nullptr)
        worker->asks().cancel(number_);
    number_ = 0;
}

// Answers the request. This may be its end, and that of this object.
void Inquiry::settle(std::string* answer) noexcept {
    ngx_http_request_t* r = request_;
    ngx_connection_t* connection = r->connection;
    ngx_http_set_log_request(connection->log, r);
    withdraw();
    const ngx_int_t failed = NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_int_t rc = guard(connection->log, failed, [&] { return respond(answer); });
    if (rc == failed && r->header_sent)
        rc = NGX_ERROR;
    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(connection);
}

ngx_int_t evaluate_channel(ngx_http_request_t* r, ngx_http_complex_value_t& value,
                           std::string& channel) {
    ngx_str_t name;
    if (ngx_http_complex_value(r, &value, &name) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    channel = view(name);
    if (ring::is_channel_name(channel))
        return NGX_OK;
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "herald: invalid channel of %uz bytes, %s",
                  name.len, kChannelRule);
    return NGX_HTTP_BAD_REQUEST;
}

ngx_int_t refuse_unknown(ngx_http_request_t* r) {
    const Unknown& unknown = *location_settings(r)->unknown;
    std::string body = R"({"detail":"Not Found"})";
    if (unknown.body != nullptr) {
        body.clear();
        if (!unknown.body->evaluate(r, body))
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (Worker* worker = Worker::current(); worker != nullptr)
        add(worker->counters.refused);
    return send_body(r, NGX_HTTP_NOT_FOUND, "application/json", body);
}

ngx_int_t unavailable(ngx_http_request_t* r, std::string_view detail) {
    return add_header(r, "Retry-After", "1") ? refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE, detail)
                                             : NGX_ERROR;
}

}  // namespace herald
