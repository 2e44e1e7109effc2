#include "subscriber.hpp"

#include "delivery.hpp"
#include "replay.hpp"
#include "timers.hpp"
#include "websocket.hpp"
#include "worker.hpp"

namespace herald {

namespace {

constexpr uint64_t kFarewell = 5000;  // milliseconds that a client has for taking the last bytes

uint64_t jittered(uint64_t milliseconds) {
    return milliseconds / 2 + static_cast<uint64_t>(ngx_random()) % (milliseconds + 1);
}

// Where the connection's end is the body's, only a reset tells an end from a cut.
void cut_unframed(Subscriber& s) {
    const bool framed = s.request == nullptr
                            ? s.encoding.chunked
                            : s.request->chunked || s.request->http_version >= NGX_HTTP_VERSION_20;
    if (framed || s.is_websocket())
        return;
    const linger at_once{1, 0};
    if (setsockopt(s.connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
        ngx_log_error(NGX_LOG_ERR, s.connection->log, ngx_socket_errno,
                      "herald: setsockopt(SO_LINGER) failed");
    s.connection->error = 1;  // TLS says no goodbye either
}

}  // namespace

Subscriber::Subscriber(ngx_http_request_t* r, Topic& of)
    : request(r),
      connection(r->connection),
      settings(location_settings(r)),
      topic(of),
      opened_ms(now_ms()),
      active_ms(opened_ms) {
    timer.owner = this;
}

Subscriber::~Subscriber() {
    if (partial != nullptr)
        drop(partial);
}

void Subscriber::push(std::string bytes) {
    if (!gzip)
        return push_encoded(std::move(bytes));
    settle_sum();
    gzip->sum.add(bytes);
    std::string block;
    append_gzip_block(block, bytes);
    push_encoded(std::move(block));
}

void Subscriber::push_encoded(std::string bytes) {
    if (!outbox)
        outbox = std::make_unique<Outbox>();
    outbox->pieces.push_back(std::make_shared<const std::string>(
        present_encoding().chunked ? chunk(bytes) : std::move(bytes)));
}

void Subscriber::push_last_chunk() {
    static const auto last = std::make_shared<const std::string>("0\r\n\r\n");
    if (!outbox)
        outbox = std::make_unique<Outbox>();
    outbox->pieces.push_back(last);
}

void Subscriber::push_frame(SharedFrame frame) {
    if (gzip) {
        settle_sum();
        gzip->sum.add_between({}, frame.text);
    }
    if (!outbox)
        outbox = std::make_unique<Outbox>();
    outbox->pieces.push_back(std::move(frame.bytes));
}

Encoding Subscriber::present_encoding() const {
    Encoding present = encoding;
    present.chunked = encoding.chunked && path != Path::Filter;
    return present;
}

void Subscriber::push_event(const OutEvent& event) {
    std::string bytes;
    append(bytes, event);
    push_encoded(std::move(bytes));
}

void Subscriber::append(std::string& out, const OutEvent& event) {
    if (!encoding.compressed)
        return append_event(out, encoding.transport, encoding.ids, event);
    settle_sum();
    GzipSum unused;
    append_compressed_event(out, encoding, event, gzip ? gzip->sum : unused);
}

void Subscriber::push_gap(GapReason reason, std::optional<EventId> from, EventId to, EventId id) {
    const std::string data = gap_data(reason, from, to);
    OutEvent event;
    event.id = id;
    event.event = "gap";
    event.data = data;
    push_event(event);
    ++log.gaps;
    add(Worker::current()->counters.gaps);
}

void Subscriber::note_trim(uint64_t from_seq, uint64_t to_seq) {
    if (trim_to_ == 0)
        trim_from_ = from_seq;
    trim_to_ = to_seq;
}

void Subscriber::tell_trim() {
    Worker& worker = *Worker::current();
    push_gap(GapReason::Trimmed, worker.id_of(trim_from_),
             worker.id_of(std::exchange(trim_to_, 0)));
}

void Subscriber::join_lane() {
    Worker& worker = *Worker::current();
    lane = &topic.lane(encoding, worker.last_seq());
    LaneLimits limits;
    limits.bytes =
        static_cast<uint32_t>(std::min<size_t>(settings->buffer->bytes / 2, limits.bytes));
    if (settings->buffer->events != 0)
        limits.events = static_cast<uint32_t>(settings->buffer->events);
    lane->limit(limits);

    const bool direct = path == Path::Direct && !starting;
    lane->join(*this, connection->fd, (direct ? 0u : kSlotIndirect) | kSlotBusy);
    lane_events = lane->events_before(lane->end());
    lane_seq = lane->seq_before(lane->end());
    if (gzip)
        gzip->lane = lane->sum_before(lane->end());
    joined_seq = worker.last_seq();
    phase = Phase::Live;
}

void Subscriber::leave_lane() {
    if (lane == nullptr)
        return;
    settle();
    direct_bytes += lane->slot(slot).bytes;
    lane->leave(*this);
    lane = nullptr;
}

void Subscriber::settle() {
    if (lane == nullptr || dead)
        return;
    settle_sum();
    const uint64_t at = lane->slot(slot).next;
    log.events_sent += lane->events_before(at) - lane_events;
    lane_events = lane->events_before(at);
    if (lane->seq_before(at) != lane_seq) {
        lane_seq = lane->seq_before(at);
        last_seq = std::max(last_seq, lane_seq);
    }
    if (last_seq != 0)
        log.last_id = Worker::current()->id_of(last_seq);
}

void Subscriber::settle_sum() {
    if (!gzip || lane == nullptr)
        return;
    const GzipSum& now = lane->sum_before(lane->slot(slot).next);
    gzip->sum.add_between(gzip->lane, now);
    gzip->lane = now;
}

void Subscriber::skip_to(uint64_t ordinal) {
    settle();
    lane_events += lane->events_before(ordinal) - lane->events_before(lane->slot(slot).next);
    if (gzip)
        gzip->lane = lane->sum_before(ordinal);
    lane->set_busy(slot, ordinal);
}

void Subscriber::end(CloseReason reason, uint16_t ws_code, std::string_view ws_reason, bool abort) {
    if (phase == Phase::Ending || dead)
        return;
    if (abort) {
        cut_unframed(*this);
        give_up(*this, reason);
        return;
    }
    if (lane != nullptr && !is_busy())
        deliver(*this);  // what a round under way has not brought it yet
    if (dead)
        return;
    log.reason = reason;
    leave_lane();
    client_id.reset();
    cancel_replay(*this);
    replay.reset();
    phase = Phase::Ending;

    std::string last;
    if (is_websocket())
        append_ws_close(last, ws_code, ws_reason);
    else if (reason == CloseReason::Drain && settings->retry != 0)
        append_retry(last, jittered(settings->retry));
    if (!last.empty())
        push(std::move(last));
    if (gzip)
        push_encoded(gzip_trailer(gzip->sum));
    if (rebuilt && encoding.chunked)
        push_last_chunk();

    deadline_ms = now_ms() + kFarewell;
    beat_ms = 0;
    reschedule(*this);
    deliver(*this);
}

}  // namespace herald
