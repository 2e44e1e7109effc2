#include "status.hpp"

#include "figures.hpp"
#include "headers.hpp"
#include "worker.hpp"

namespace herald {

namespace {

ngx_int_t send_unstored(ngx_http_request_t* r, ngx_uint_t status, std::string_view type,
                        std::string_view body) {
    if (!add_header(r, "Cache-Control", "no-store"))
        return NGX_ERROR;
    return send_body(r, status, type, body);
}

ngx_int_t send_json(ngx_http_request_t* r, ngx_uint_t status, std::string_view body) {
    return send_unstored(r, status, "application/json", body);
}

bool is_journal_failing(Worker& worker) {
    return worker.ring() != nullptr &&
           worker.ring()->header().journal.load(std::memory_order_relaxed) ==
               ring::JournalState::Failing;
}

ngx_int_t health(ngx_http_request_t* r) {
    ngx_int_t rc = allow_get(r);
    if (rc != NGX_OK || r->header_sent)
        return rc;
    Worker* worker = Worker::current();
    const RedisView redis = worker == nullptr ? RedisView::Unknown : worker->redis();
    if (redis == RedisView::Unknown)
        return send_json(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                         R"({"status":"unhealthy","redis":"unknown","sidecar":"disconnected",)"
                         R"("detail":"Sidecar unavailable"})");
    if (is_journal_failing(*worker)) {
        std::string body = R"({"status":"unhealthy","redis":")";
        body.append(name_of(redis));
        body.append(R"(","journal":"failing","detail":"Journal failing"})");
        return send_json(r, NGX_HTTP_SERVICE_UNAVAILABLE, body);
    }
    if (redis == RedisView::Lost)
        return send_json(
            r, NGX_HTTP_SERVICE_UNAVAILABLE,
            R"({"status":"unhealthy","redis":"disconnected","detail":"Redis unavailable"})");
    return send_json(r, NGX_HTTP_OK, R"({"status":"healthy","redis":"connected"})");
}

// `?format=` decides; else Accept, where JSON wins over text: scripts in browsers ask for both.
bool wants_prometheus(ngx_http_request_t* r) {
    constexpr std::string_view kArgument = "format";
    ngx_str_t format;
    if (ngx_http_arg(r, as_ngx_str(kArgument).data, kArgument.size(), &format) == NGX_OK)
        return view(format) == "prometheus";
    bool json = false;
    bool text = false;
    each_header(r, "Accept", [&](std::string_view value) {
        auto names = [&](std::string_view type) { return value.find(type) != value.npos; };
        json = json || names("application/json");
        text = text || names("text/plain") || names("application/openmetrics-text");
    });
    return text && !json;
}

ngx_int_t status(ngx_http_request_t* r) {
    ngx_int_t rc = allow_get(r);
    if (rc != NGX_OK || r->header_sent)
        return rc;
    CounterZone* zone = counters_of(main_settings(r)->zone);
    Worker* worker = Worker::current();
    if (zone == nullptr || worker == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (!add_header(r, "Vary", "Accept"))
        return NGX_ERROR;
    std::string body;
    if (wants_prometheus(r)) {
        append_status_prometheus(body, *zone, *worker);
        return send_unstored(r, NGX_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", body);
    }
    append_status_json(body, *zone, *worker);
    return send_json(r, NGX_HTTP_OK, body);
}

}  // namespace

ngx_int_t health_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return health(r); });
}

ngx_int_t status_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return status(r); });
}

}  // namespace herald
