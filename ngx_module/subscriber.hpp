// One client connection in one worker: the owner of a stream.
//
// The nginx request is something a subscriber has, not what it is: everything that outlives the
// response's header is here. It is made by the content handler (subscribe.cpp), fed by
// delivery.cpp, and detached when nginx gives up the request, whatever the cause. Its memory lives
// until the request's pool goes: nginx may still be sending from it. While it sleeps
// (hibernation.hpp) it has no request, and its memory is the connection's.
//
//   Waiting ──ring comes──▶ Replaying ──history sent──▶ Live ──end()──▶ Ending ──▶ request
//   finalized
//      (no ring yet)                                     └──connection breaks──▶ dead, finalized
//      after the loop
//
// Its bytes leave in this order: the segment it is in the middle of, its own bytes (outbox), the
// lane's segments.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "counters.hpp"
#include "lane.hpp"
#include "settings.hpp"
#include "wheel.hpp"

namespace herald {

class Topic;
class WebSocket;
struct Asleep;
struct Identity;
struct Replay;

enum class Path : uint8_t {
    Filter,  // nginx's output filters: HTTP/2 and 3, limit_rate, body filters; and every stream's
             // first bytes
    Tls,     // nginx's connection, past the filters: HTTP/1 over TLS
    Direct,  // send() from the lane's loop: plain HTTP/1 and WebSocket
};

enum class Phase : uint8_t { Waiting, Replaying, Live, Ending };

// herald_hibernate (hibernation.hpp)
enum class Sleep : uint8_t { Undecided, Queued, Asleep, Never };

// What the log variables show. `channel` is the topic's, and in the request's pool once that is let
// go of, so that it is there when the access log is written.
struct StreamLog {
    ngx_str_t channel{};
    ngx_str_t transport{};
    uint64_t events_sent = 0;
    uint64_t gaps = 0;
    uint64_t trimmed = 0;                     // events
    std::unique_ptr<std::string> ended_by{};  // the name of the event that has ended the stream
    std::optional<EventId> last_id;
    CloseReason reason = CloseReason::None;
};

// Bytes of a subscriber's own, some of which it shares with others. Pieces never move while they
// wait: OpenSSL and nginx's filters keep their address. They are few: a history's next ones are
// made when these are out.
struct Outbox {
    std::vector<std::shared_ptr<const std::string>> pieces;
    size_t offset = 0;  // of the first piece, already sent
};

// A gzip stream's checksum, over the lane's texts and its own.
struct GzipStream {
    GzipSum sum;   // of all that it was sent up to where `lane` says, and of its own bytes
    GzipSum lane;  // the lane's, up to where `sum` is settled
};

// What nginx's filters have and have not sent yet.
struct Filtering {
    std::vector<Segment*> segments;  // held
    uint32_t pieces = 0;             // of the outbox, from its front
    ngx_chain_t* free = nullptr;     // links to use again
    ngx_chain_t* busy = nullptr;

    ~Filtering() {
        for (Segment* segment : segments)
            drop(segment);
    }
};

class Subscriber : public LaneMember {
  public:
    Subscriber(ngx_http_request_t* r, Topic& topic);
    ~Subscriber();
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    bool is_websocket() const { return encoding.transport != Transport::Sse; }
    bool is_busy() const { return lane != nullptr && (lane->slot(slot).flags & kSlotBusy) != 0; }
    bool has_own_bytes() const { return partial != nullptr || outbox != nullptr; }

    // Puts bytes of its own behind what is already waiting. SSE: whole blocks of text, neither
    // compressed nor in HTTP chunks.
    void push(std::string bytes);
    // The same for what `append` has made.
    void push_encoded(std::string bytes);
    // The same for what others get as well, in its `present_encoding`.
    void push_frame(SharedFrame frame);
    // The end of a chunked body: behind all else.
    void push_last_chunk();
    // What it gets now: through nginx's filters the chunks are theirs to make.
    Encoding present_encoding() const;
    // Appends an event in its encoding, to be pushed before anything else is.
    void append(std::string& out, const OutEvent& event);
    // An event of its own, in its encoding.
    void push_event(const OutEvent& event);
    // Tells it of a gap; `counts` it.
    void push_gap(GapReason reason, std::optional<EventId> from, EventId to) {
        push_gap(reason, from, to, to);
    }
    // `id`: behind which a client that comes back goes on, where that is not `to`.
    void push_gap(GapReason reason, std::optional<EventId> from, EventId to, EventId id);

    // Notes that it lost the events behind `from_seq` up to `to_seq`; `tell_trim` tells it, once
    // what it is in the middle of is out.
    void note_trim(uint64_t from_seq, uint64_t to_seq);
    bool is_trimmed() const { return trim_to_ != 0; }
    void tell_trim();

    // Joins its topic's lane at the worker's cursor: from here on events are live.
    void join_lane();
    // Leaves it; the segment it is in the middle of stays its own. Not from within a lane's loop.
    void leave_lane();
    // Brings the figures of `log` up to date with what it has had from its lane.
    void settle();
    // The lane goes on behind `ordinal` for it, be it without what lies before.
    void skip_to(uint64_t ordinal);

    // Ends the stream as its settings say, once everything that is under way is out. `ws_code`: RFC
    // 6455, section 7.4.1. With `abort` the connection is cut. Not from within a lane's loop.
    void end(CloseReason reason, uint16_t ws_code, std::string_view ws_reason, bool abort = false);

    uint32_t offset = 0;          // of `partial`, already sent; shares a word with LaneMember's
    ngx_http_request_t* request;  // nullptr while it sleeps
    ngx_connection_t* connection;
    const LocationSettings* settings;
    StreamLog log;
    Topic& topic;
    Lane* lane = nullptr;
    Encoding encoding;

    Path path = Path::Filter;
    Path later_path = Path::Filter;  // the one to take once the response's header is out
    Phase phase = Phase::Waiting;
    bool starting = true;     // the response's header may not be out yet; path is Filter
    bool dead = false;        // the connection broke; to be finalized
    bool queued = false;      // in one of the worker's to-do lists
    bool finishing = false;   // last bytes are out; to be finalized
    bool draining = false;    // its worker is leaving; ends at `deadline`
    bool from_start = false;  // gets the whole past, whatever herald_start says
    bool rebuilt = false;     // has slept: body filters know nothing of its request
    Sleep sleep = Sleep::Undecided;

    Segment* partial = nullptr;  // held: being sent, `offset` bytes of it are out
    std::unique_ptr<Outbox> outbox;
    std::unique_ptr<Filtering> filtering;  // Path::Filter

    std::unique_ptr<Asleep> asleep;  // set while `request` is not
    std::unique_ptr<Replay> replay;
    std::unique_ptr<WebSocket> websocket;
    std::unique_ptr<GzipStream> gzip;          // SSE that is compressed
    std::shared_ptr<const Identity> identity;  // of the token that opened it; nullptr: none did
    std::unique_ptr<std::string>
        client_id;  // Last-Event-ID as it came; only until the history starts

    uint64_t lane_events = 0;   // of the lane, up to where `log` is settled
    uint64_t lane_seq = 0;      // of the lane, likewise
    uint64_t last_seq = 0;      // of the newest event that it has had
    uint64_t joined_seq = 0;    // what came up to this one is not the lane's to bring
    uint64_t direct_bytes = 0;  // sent past nginx's own counting

    Wheel::Node timer;  // its owner is this subscriber
    uint64_t opened_ms = 0;
    uint64_t waiting_since_ms = 0;  // wall clock; it came before any ring did. 0: it did not
    uint64_t active_ms = 0;         // last event or client traffic of its own
    uint64_t beat_ms = 0;           // when the next keepalive is due; 0: none
    uint64_t deadline_ms = 0;       // when it ends in any case; 0: never
    uint64_t expires_ms = 0;        // when its token does; 0: never

    Subscriber* next = nullptr;  // all of the worker's subscribers
    Subscriber* previous = nullptr;

  private:
    void settle_sum();

    uint64_t trim_from_ = 0;
    uint64_t trim_to_ = 0;  // 0: nothing to tell
};

// The subscriber of a request; nullptr when it has none, or has been detached from it.
Subscriber* subscriber_of(ngx_http_request_t* r);
// What is to be logged of a request, up to date; nullptr when it is no stream.
const StreamLog* stream_log_of(ngx_http_request_t* r);

}  // namespace herald
