#include "past_events.hpp"

#include <algorithm>
#include <memory>

#include "fill.hpp"
#include "messages.hpp"
#include "websocket.hpp"
#include "worker.hpp"

namespace herald {

namespace {

// Queues an event that ends the stream, and the end with it.
void end_stream(Subscriber& s, std::string_view event) {
    s.log.ended_by = std::make_unique<std::string>(event);
    push_message(s, *s.settings->end_event);
    s.end(CloseReason::Ended, kWsNormal, "ended");
}

}  // namespace

Taken take_past(Worker& worker, Subscriber& s, Piece& piece, const PastEvent& past) {
    if (past.kind == ring::Kind::RedisBack || past.kind == ring::Kind::Gap) {
        piece.flush(s);
        const GapReason reason =
            past.kind == ring::Kind::Gap ? GapReason::Evicted : GapReason::Redis;
        s.push_gap(reason, worker.id_of(past.from_seq), worker.id_of(past.seq));
    } else if (past.kind == ring::Kind::Event && s.topic.has(past.channel)) {
        OutEvent event;
        event.id = worker.id_of(past.seq);
        event.event = past.event;
        event.channel = past.channel;
        event.data = past.data;
        if (!s.encoding.names)
            event.event = {};
        if (const FillRule* rule = find_fill_rule(s.settings->fills, past.event, past.data)) {
            SharedFrame frame;
            if (!worker.fills().fill(s, *rule, event, frame))
                return Taken::Waits;
            piece.flush(s);
            s.push_frame(std::move(frame));
        } else {
            s.append(piece.bytes, event);
        }
        ++s.log.events_sent;
        add(worker.counters.events_sent);
        s.last_seq = past.seq;
        s.log.last_id = event.id;
        if (past.flags & ring::kEndsStream) {
            piece.flush(s);
            end_stream(s, past.event);
            return Taken::Ended;
        }
        return Taken::Queued;
    }
    s.last_seq = std::max(s.last_seq, past.seq);
    s.log.last_id = worker.id_of(s.last_seq);
    return Taken::Queued;
}

}  // namespace herald
