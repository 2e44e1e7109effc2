#include "replay.hpp"

#include <algorithm>

#include "delivery.hpp"
#include "worker.hpp"

namespace herald {

namespace {

constexpr size_t kPieceBytes = 64 * 1024;

// What walking back through the channels has found.
struct Past {
    std::vector<uint64_t> positions;
    uint64_t missing_to =
        0;  // events behind the asked-for seq, up to this one, may be gone; 0: none
};

// How far back to go: behind `after_seq`, not before `since_ms` (wall clock), at most `limit`
// events.
struct Reach {
    uint64_t after_seq = 0;
    uint64_t since_ms = 0;
    size_t limit = SIZE_MAX;
    bool gaps = true;  // the losses of Redis on the way are part of it
};

// Walks one channel back.
void walk_channel(Worker& worker, std::string_view channel, const Reach& reach, Past& past) {
    ring::Reader& reader = worker.ring()->reader;
    uint64_t position = worker.channels.last(channel);
    uint64_t known_from =
        worker.last_seq();  // nothing of the channel lies between here and the last step
    uint64_t hash = 0;
    bool missing = true;  // until the chain has been followed far enough
    for (size_t found = 0; found < reach.limit; ++found) {
        ring::RecordHeader header;
        if (position == ring::kNoPosition || position < reader.oldest())
            break;
        if (reader.header_at(position, header) != ring::Poll::Record)
            break;
        if (header.kind != ring::Kind::Event || (found != 0 && header.channel_hash != hash))
            break;
        hash = header.channel_hash;
        if (header.seq <= reach.after_seq || header.at_ms < reach.since_ms) {
            missing = false;
            break;
        }
        past.positions.push_back(position);
        known_from = header.previous_seq;
        if (known_from <= reach.after_seq) {
            missing = false;
            break;
        }
        position = header.previous;
        if (found + 1 == reach.limit)
            missing = false;
    }
    // A channel without a record in the ring has had none since what was evicted last.
    if (missing)
        past.missing_to = std::max(past.missing_to, std::min(known_from, reader.evicted_seq()));
}

// Everything of the topic's channels within reach; of more than the limit the newest.
Past collect(Worker& worker, const Topic& topic, const Reach& reach) {
    Past past;
    for (const std::string& channel : topic.channels())
        walk_channel(worker, channel, reach, past);
    if (past.missing_to <= reach.after_seq)
        past.missing_to = 0;
    if (reach.gaps) {
        for (const RedisGap& gap : worker.redis_gaps()) {
            if (gap.to_seq > reach.after_seq && gap.position >= worker.ring()->reader.oldest())
                past.positions.push_back(gap.position);
        }
    }
    std::sort(past.positions.begin(), past.positions.end());
    if (past.positions.size() > reach.limit)
        past.positions.erase(past.positions.begin(),
                             past.positions.end() - static_cast<ptrdiff_t>(reach.limit));
    return past;
}

void start(Subscriber& s, std::vector<uint64_t> positions) {
    if (positions.empty()) {
        s.replay.reset();
        s.join_lane();
        return;
    }
    s.replay = std::make_unique<Replay>();
    s.replay->positions = std::move(positions);
    s.phase = Phase::Replaying;
}

// Goes on behind `s.last_seq`, and says so if something there is gone.
void go_on(Worker& worker, Subscriber& s) {
    Reach reach;
    reach.after_seq = s.last_seq;
    Past past = collect(worker, s.topic, reach);
    if (past.missing_to != 0) {
        s.push_gap(GapReason::Evicted, worker.id_of(s.last_seq), worker.id_of(past.missing_to));
        s.last_seq = past.missing_to;
    }
    start(s, std::move(past.positions));
}

bool is_past_log(const ring::Header& header, uint32_t log) {
    const uint32_t count = std::min(header.past_log_count, ring::kPastLogs);
    return std::find(header.past_logs, header.past_logs + count, log) != header.past_logs + count;
}

// Resumes behind the id that the client had last.
void resume(Worker& worker, Subscriber& s, const std::string& client_id) {
    const ring::Header& header = worker.ring()->header();
    const std::optional<EventId> id = ring::parse_id(client_id);
    const uint64_t newest = header.last_seq.load(std::memory_order_relaxed);
    const bool ours = id && id->log == header.log && id->seq <= newest;
    if (ours && id->seq > worker.last_seq())
        worker.catch_up(id->seq);  // another worker was faster
    if (ours) {
        s.last_seq = id->seq;
        go_on(worker, s);
        return;
    }
    // Whatever it had, it is not known what followed: first the gap, then what there is.
    Past past = collect(worker, s.topic, Reach{});
    const bool earlier = id && id->log != header.log && is_past_log(header, id->log);
    const uint64_t base = worker.ring()->reader.evicted_seq();
    s.push_gap(earlier ? GapReason::Evicted : GapReason::UnknownId, id, worker.id_of(base));
    s.last_seq = base;
    start(s, std::move(past.positions));
}

}  // namespace

void begin_history(Subscriber& s) {
    Worker& worker = *Worker::current();
    if (s.client_id) {
        const std::unique_ptr<std::string> id = std::move(s.client_id);
        resume(worker, s, *id);
        return;
    }

    const Start& wanted = *s.settings->start;
    Reach reach;
    reach.gaps = wanted.kind == StartKind::All;
    if (wanted.kind == StartKind::Last)
        reach.limit = wanted.count;
    if (wanted.kind == StartKind::Live) {
        // To one that came before the ring did, live is what has been published since.
        if (s.waiting_since_ms == 0) {
            start(s, {});
            return;
        }
        reach.since_ms = s.waiting_since_ms;
    }
    Past past = collect(worker, s.topic, reach);
    if (wanted.kind == StartKind::All && past.missing_to != 0) {
        s.push_gap(GapReason::Evicted, std::nullopt, worker.id_of(past.missing_to));
        s.last_seq = past.missing_to;
    }
    start(s, std::move(past.positions));
}

void continue_history(Subscriber& s) {
    Worker& worker = *Worker::current();
    ring::Reader& reader = worker.ring()->reader;
    Replay& replay = *s.replay;
    std::string piece;
    ring::Record record;

    while (replay.next < replay.positions.size() && piece.size() < kPieceBytes) {
        const uint64_t position = replay.positions[replay.next++];
        const ring::Poll poll = reader.read_at(position, record);
        if (poll != ring::Poll::Record) {
            // Overwritten while the subscriber took its time. What is left of the list is newer.
            const uint64_t evicted = reader.evicted_seq();
            while (replay.next < replay.positions.size() &&
                   replay.positions[replay.next] < reader.oldest())
                ++replay.next;
            if (!piece.empty())
                s.push(std::exchange(piece, {}));
            s.push_gap(GapReason::Evicted, worker.id_of(s.last_seq), worker.id_of(evicted));
            s.last_seq = std::max(s.last_seq, evicted);
            continue;
        }
        const uint64_t seq = record.header.seq;
        if (record.header.kind == ring::Kind::RedisBack) {
            if (!piece.empty())
                s.push(std::exchange(piece, {}));
            s.push_gap(GapReason::Redis, worker.id_of(record.header.previous_seq),
                       worker.id_of(seq));
        } else if (s.topic.has(record.channel)) {
            OutEvent event;
            event.id = worker.id_of(seq);
            event.event = record.event;
            event.channel = record.channel;
            event.data = record.data;
            append_event(piece, s.encoding.transport, s.encoding.ids, event);
            ++s.log->events_sent;
            add(worker.counters.events_sent);
        }
        s.last_seq = std::max(s.last_seq, seq);
        s.log->last_id = worker.id_of(s.last_seq);
    }
    if (!piece.empty())
        s.push(std::move(piece));
    if (replay.next < replay.positions.size())
        return;

    // The list is through: what came since is the next one.
    go_on(worker, s);
}

void restart_replay(Subscriber& s, bool same_log, uint32_t old_log) {
    Worker& worker = *Worker::current();
    if (!same_log) {
        const uint64_t base = worker.ring()->reader.evicted_seq();
        s.push_gap(GapReason::Evicted, EventId{old_log, s.last_seq}, worker.id_of(base));
        s.last_seq = base;
    }
    go_on(worker, s);
    deliver(s);
}

}  // namespace herald
