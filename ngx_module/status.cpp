#include "status.hpp"

#include <functional>

#include "headers.hpp"
#include "worker.hpp"

namespace herald {

namespace {

ngx_int_t send_json(ngx_http_request_t* r, ngx_uint_t status, std::string_view body) {
    if (!add_header(r, "Cache-Control", "no-store"))
        return NGX_ERROR;
    return send_body(r, status, "application/json", body);
}

ngx_int_t health(ngx_http_request_t* r) {
    ngx_int_t rc = allow_get(r);
    if (rc != NGX_OK || r->header_sent)
        return rc;
    Worker* worker = Worker::current();
    switch (worker == nullptr ? RedisView::Unknown : worker->redis()) {
        case RedisView::Connected:
            return send_json(r, NGX_HTTP_OK, R"({"status":"healthy","redis":"connected"})");
        case RedisView::Lost:
            return send_json(
                r, NGX_HTTP_SERVICE_UNAVAILABLE,
                R"({"status":"unhealthy","redis":"disconnected","detail":"Redis unavailable"})");
        case RedisView::Unknown:
            break;
    }
    return send_json(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                     R"({"status":"unhealthy","redis":"unknown","sidecar":"disconnected",)"
                     R"("detail":"Sidecar unavailable"})");
}

// Builds one JSON object; members in the order in which they are added.
class Object {
  public:
    explicit Object(std::string& out) : out_(out) { out_.push_back('{'); }
    ~Object() { out_.push_back('}'); }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    Object& number(std::string_view name, uint64_t value) {
        key(name).append(std::to_string(value));
        return *this;
    }
    Object& text(std::string_view name, std::string_view value) {
        key(name).push_back('"');
        append_json_text(out_, value);
        out_.push_back('"');
        return *this;
    }
    // The value is whatever the caller appends next.
    std::string& key(std::string_view name) {
        if (!std::exchange(first_, false))
            out_.push_back(',');
        return out_.append("\"").append(name).append("\":");
    }

  private:
    std::string& out_;
    bool first_ = true;
};

std::string_view name_of(RedisView view) {
    return view == RedisView::Connected ? "connected"
           : view == RedisView::Lost    ? "disconnected"
                                        : "unknown";
}

void add_sidecar(std::string& out, Worker& worker) {
    Object object(out);
    object.text("state", worker.redis() == RedisView::Unknown ? "disconnected" : "connected");
    object.text("redis", name_of(worker.redis()));
    AttachedRing* ring = worker.ring();
    if (ring == nullptr)
        return;

    const ring::Header& header = ring->header();
    const uint64_t last = header.last_seq.load(std::memory_order_relaxed);
    object.text("last_id", ring::to_string({header.log, last}));
    object.number("received", read(header.counters[ring::kReceived]));
    object.number("published", read(header.counters[ring::kPublished]));
    {
        object.key("rejected");
        Object rejected(out);
        rejected.number("empty", read(header.counters[ring::kRejectedEmpty]));
        rejected.number("too_large", read(header.counters[ring::kRejectedTooLarge]));
        rejected.number("not_utf8", read(header.counters[ring::kRejectedUtf8]));
        rejected.number("not_json", read(header.counters[ring::kRejectedJson]));
        rejected.number("channel", read(header.counters[ring::kRejectedChannel]));
    }
    object.number("unmatched", read(header.counters[ring::kUnmatched]));
    object.number("unnamed", read(header.counters[ring::kUnnamed]));
    object.number("redis_reconnects", read(header.counters[ring::kReconnects]));
    {
        object.key("ring");
        Object memory(out);
        const uint64_t tail = header.tail.load(std::memory_order_relaxed);
        const uint64_t oldest = header.oldest.load(std::memory_order_relaxed);
        memory.number("size", ring->mapping.capacity());
        memory.number("used", tail - oldest);
        memory.text(
            "oldest_id",
            ring::to_string({header.log, header.evicted_seq.load(std::memory_order_relaxed) + 1}));
    }
}

// Adds the figures of one worker, or the sums over all.
using Pick = std::function<uint64_t(std::atomic<uint64_t> WorkerCounters::*)>;

void add_figures(Object& object, const Pick& pick) {
    object.number("sse", pick(&WorkerCounters::sse));
    object.number("websocket", pick(&WorkerCounters::websocket));
    object.number("opened", pick(&WorkerCounters::opened));
    object.number("refused", pick(&WorkerCounters::refused));
    object.number("events_sent", pick(&WorkerCounters::events_sent));
    object.number("bytes_sent", pick(&WorkerCounters::bytes_sent));
    object.number("gaps", pick(&WorkerCounters::gaps));
    object.number("trimmed", pick(&WorkerCounters::trimmed));
    object.number("lapped", pick(&WorkerCounters::lapped));
    object.number("held_bytes", pick(&WorkerCounters::held_bytes));
}

ngx_int_t status(ngx_http_request_t* r) {
    ngx_int_t rc = allow_get(r);
    if (rc != NGX_OK || r->header_sent)
        return rc;
    CounterZone* zone = counters_of(main_settings(r)->zone);
    Worker* worker = Worker::current();
    if (zone == nullptr || worker == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    std::string body;
    {
        Object object(body);
        object.key("sidecar");
        add_sidecar(body, *worker);

        object.key("streams");
        {
            Object streams(body);
            add_figures(streams, [&](auto member) {
                uint64_t sum = 0;
                for (const WorkerCounters& one : zone->workers)
                    sum += read(one.*member);
                return sum;
            });
            streams.key("closed");
            Object closed(body);
            for (size_t reason = 1; reason < kCloseReasons; ++reason) {
                uint64_t sum = 0;
                for (const WorkerCounters& one : zone->workers)
                    sum += read(one.closed[reason]);
                closed.number(herald::name_of(static_cast<CloseReason>(reason)), sum);
            }
        }

        object.key("workers").push_back('[');
        bool first = true;
        for (const WorkerCounters& one : zone->workers) {
            if (read(one.pid) == 0)
                continue;
            if (!std::exchange(first, false))
                body.push_back(',');
            Object figures(body);
            figures.number("pid", read(one.pid));
            figures.number("attached", read(one.attached));
            figures.number("attaches", read(one.attaches));
            figures.number("channels", read(one.channels));
            figures.number("records", read(one.records));
            add_figures(figures, [&](auto member) { return read(one.*member); });
        }
        body.push_back(']');
    }
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
