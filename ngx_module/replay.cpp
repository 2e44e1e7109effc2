#include "replay.hpp"

#include <algorithm>

#include "delivery.hpp"
#include "ended.hpp"
#include "fill.hpp"
#include "past.hpp"
#include "past_events.hpp"
#include "ring/questions.hpp"
#include "timers.hpp"
#include "websocket.hpp"
#include "worker.hpp"

namespace herald {

namespace questions = ring::questions;

namespace {

constexpr size_t kPieceBytes = 64 * 1024;     // of the ring's events, in one go
constexpr uint32_t kMostAnswer = 128 * 1024;  // bytes of the index's events, in one answer
constexpr uint32_t kRetries = 30;             // of a question that the index cannot answer now
constexpr uint64_t kRetryMs = 1000;           // before each

Replay& replay_of(Subscriber& s) {
    if (!s.replay)
        s.replay = std::make_unique<Replay>();
    s.phase = Phase::Replaying;
    return *s.replay;
}

std::optional<EventId> last_id_of(Worker& worker, const Subscriber& s) {
    return s.last_seq == 0 ? std::nullopt : std::optional(worker.id_of(s.last_seq));
}

// Tells the gap that was pending, or one that has just shown, up to `to_seq`; goes on behind it.
void tell_gap_to(Worker& worker, Subscriber& s, uint64_t to_seq) {
    Replay& replay = replay_of(s);
    if (replay.gap) {
        const PendingGap gap = *std::exchange(replay.gap, std::nullopt);
        s.last_seq = std::max(s.last_seq, to_seq);
        s.push_gap(gap.reason, gap.from, worker.id_of(s.last_seq));
    } else if (to_seq > s.last_seq) {
        s.push_gap(GapReason::Evicted, last_id_of(worker, s), worker.id_of(to_seq));
        s.last_seq = to_seq;
    }
}

void go_on(Worker& worker, Subscriber& s);

// -- from the index

// Tells what the index says is gone, once. Of several channels one may have lost what lies between
// events of another: so the gap's own id stays before the first item.
void tell_lost(Worker& worker, Subscriber& s, const questions::HistoryAnswer& answer,
               std::string_view items) {
    Replay& replay = *s.replay;
    const uint64_t lost_seq = std::min(answer.lost_seq, replay.up_to);
    if (!replay.gap && (lost_seq <= s.last_seq || lost_seq <= replay.told_to))
        return;
    questions::HistoryItemView first;
    uint64_t behind = std::max(s.last_seq, lost_seq);
    if (answer.count != 0 && questions::take_item(items, first) && first.header.seq != 0)
        behind = std::max(s.last_seq, std::min(behind, first.header.seq - 1));
    PendingGap gap{GapReason::Evicted, last_id_of(worker, s)};
    if (replay.gap)
        gap = *std::exchange(replay.gap, std::nullopt);
    replay.told_to = lost_seq;
    s.last_seq = behind;
    s.push_gap(gap.reason, gap.from, worker.id_of(std::max(lost_seq, behind)),
               worker.id_of(behind));
}

// The index cannot answer now: it is being built again, or its disk is full. False: it has been
// asked for long enough.
bool ask_later(Subscriber& s) {
    Replay& replay = *s.replay;
    if (++replay.retries > kRetries)
        return false;
    replay.waits = true;
    replay.retry_ms = now_ms() + kRetryMs;
    reschedule(s);
    return true;
}

// Everything of the answer is queued; false: the stream has ended with it.
bool take_answer(Worker& worker, Subscriber& s, const questions::HistoryAnswer& answer,
                 std::string_view items) {
    tell_lost(worker, s, answer, items);
    Piece piece;
    for (uint32_t i = 0; i < answer.count; ++i) {
        questions::HistoryItemView item;
        if (!questions::take_item(items, item))
            break;
        const questions::HistoryItem& header = item.header;
        if (header.seq <= s.last_seq || header.seq > s.replay->up_to)
            continue;
        const Taken taken = take_past(worker, s, piece,
                                      {header.kind, header.flags, header.seq, header.from_seq,
                                       item.channel, item.event, item.data});
        if (taken == Taken::Ended)
            return false;
        if (taken == Taken::Waits) {
            piece.flush(s);
            return true;  // `up_to` stays: the rest is asked for again
        }
    }
    piece.flush(s);
    if (answer.more != 0)
        return true;
    const uint64_t up_to = s.replay->up_to;
    s.last_seq = std::max(s.last_seq, std::min(answer.seen_seq, up_to));
    // What is in the journal the index will have. What is not, it has never seen.
    const uint64_t journaled =
        worker.ring()->header().journaled_seq.load(std::memory_order_relaxed);
    if (answer.seen_seq < std::min(up_to, journaled) && ask_later(s))
        return true;
    s.replay->up_to = 0;
    if (s.last_seq < up_to)
        tell_gap_to(worker, s, up_to);
    return true;
}

void begin_at(Worker& worker, Subscriber& s, std::vector<uint64_t> positions);

// The index has told behind which seq the newest events lie.
void take_start(Worker& worker, Subscriber& s, bool found, uint64_t behind_seq) {
    Replay& replay = *s.replay;
    const size_t count = std::exchange(replay.newest, 0);
    replay.up_to = 0;
    if (found) {
        s.last_seq = behind_seq;
        return;
    }
    Reach reach;
    reach.limit = count;
    reach.gaps = false;
    begin_at(worker, s, collect(worker, s.topic, reach).positions);
}

void on_answer(Subscriber& s, const std::string* bytes) {
    Worker& worker = *Worker::current();
    Replay& replay = *s.replay;
    replay.question = 0;
    if (bytes == nullptr)
        return;  // the sidecar is gone: with the next one the replay goes on
    replay.waits = false;

    std::string_view items = *bytes;
    questions::HistoryAnswer answer;
    const bool told = questions::take_bytes(items, answer);
    const bool found = told && answer.status == questions::HistoryStatus::Found;
    if (told && answer.status == questions::HistoryStatus::Unavailable && ask_later(s))
        return;
    const uint64_t before = s.last_seq;
    if (replay.newest != 0) {
        replay.told_to = answer.lost_seq;  // nobody has asked for what is before
        take_start(worker, s, found, answer.behind_seq);
    } else if (!found) {
        // What it cannot tell about may be missing, and that is told.
        tell_gap_to(worker, s, std::exchange(replay.up_to, 0));
    } else if (!take_answer(worker, s, answer, items)) {
        worker.run_later_soon();  // it is on the list of those that are finished
        return;
    } else if (replay.up_to != 0 && s.last_seq == before && !replay.waits) {
        tell_gap_to(worker, s, std::exchange(replay.up_to, 0));  // an answer without progress
    }
    worker.deliver_later(s);
}

void ask_index(Worker& worker, Subscriber& s) {
    Replay& replay = replay_of(s);
    replay.waits = true;
    // Without a sidecar it waits for the next one, see restart_replay.
    if (replay.question != 0 || !worker.asks().is_open())
        return;
    questions::HistoryQuestion question;
    question.channels = s.topic.channels();
    questions::HistoryRange& range = question.range;
    range.up_to_seq = replay.up_to;
    range.notices = 1;
    range.max_bytes = replay.answer_bytes;
    replay.answer_bytes = std::min(2 * replay.answer_bytes, kMostAnswer);
    if (replay.newest != 0) {
        range.order = questions::Order::Behind;
        range.limit = static_cast<uint32_t>(std::min<size_t>(replay.newest, UINT32_MAX));
    } else {
        range.after_seq = s.last_seq;
    }
    Subscriber* subscriber = &s;
    replay.question = worker.asks().ask(
        questions::encode(question),
        [subscriber](const std::string* answer) { on_answer(*subscriber, answer); });
}

// -- from the ring

// Goes on behind `s.last_seq`: from the index where the ring no longer has all of it.
void go_on(Worker& worker, Subscriber& s) {
    Reach reach;
    reach.after_seq = s.last_seq;
    Past past = collect(worker, s.topic, reach);
    if (past.missing_to != 0) {
        replay_of(s).up_to = past.missing_to;
        ask_index(worker, s);
        return;
    }
    if (s.replay && s.replay->gap)
        tell_gap_to(worker, s, s.last_seq);
    if (past.positions.empty()) {
        s.replay.reset();
        s.join_lane();
        return;
    }
    Replay& replay = replay_of(s);
    replay.positions = std::move(past.positions);
    replay.next = 0;
}

// Queues a piece of the list; false: the stream has ended with it.
bool take_positions(Worker& worker, Subscriber& s) {
    ring::Reader& reader = worker.ring()->reader;
    Replay& replay = *s.replay;
    Piece piece;
    ring::Record record;
    while (replay.next < replay.positions.size() && piece.bytes.size() < kPieceBytes) {
        if (reader.read_at(replay.positions[replay.next], record) != ring::Poll::Record) {
            // Overwritten while the subscriber took its time: the index has it.
            replay.positions.clear();
            replay.next = 0;
            break;
        }
        ++replay.next;
        const ring::RecordHeader& header = record.header;
        const Taken taken = take_past(worker, s, piece,
                                      {header.kind, header.flags, header.seq, header.from_seq,
                                       record.channel, record.event, record.data});
        if (taken == Taken::Ended)
            return false;
        if (taken == Taken::Waits) {
            --replay.next;
            break;
        }
    }
    piece.flush(s);
    return true;
}

// -- where it starts

// Starts with a list of the newest events, whatever came before them.
void begin_at(Worker& worker, Subscriber& s, std::vector<uint64_t> positions) {
    ring::RecordHeader first;
    if (positions.empty() ||
        worker.ring()->reader.header_at(positions.front(), first) != ring::Poll::Record) {
        s.replay.reset();
        s.join_lane();
        return;
    }
    s.last_seq = first.seq - 1;
    Replay& replay = replay_of(s);
    replay.positions = std::move(positions);
    replay.next = 0;
}

// The client has had all, the end included.
void come_at_end(Subscriber& s) {
    if (!s.settings->replay_ended)
        return s.end(CloseReason::Ended, kWsNormal, "ended");
    s.last_seq = 0;
    go_on(*Worker::current(), s);
}

// Resumes behind the id that the client had last.
void resume(Worker& worker, Subscriber& s, const std::string& client_id) {
    const ring::Header& header = worker.ring()->header();
    const std::optional<EventId> id = ring::parse_id(client_id);
    const uint64_t newest = header.last_seq.load(std::memory_order_relaxed);
    if (id && id->log == header.log && id->seq <= newest) {
        if (id->seq > worker.last_seq())
            worker.catch_up(id->seq);  // another worker was faster
        s.last_seq = id->seq;
        // It has come before there was a ring to ask.
        if (s.waiting_since_ms != 0 &&
            is_at_end(worker, s.topic.channels(), client_id) == AtEnd::Yes)
            return come_at_end(s);
    } else {
        // Whatever it had, it is not known what followed: first the gap, then what there is.
        const bool earlier = id && id->log != header.log && is_past_log(header, id->log);
        replay_of(s).gap = PendingGap{earlier ? GapReason::Evicted : GapReason::UnknownId, id};
    }
    go_on(worker, s);
}

// The newest events that `herald_start last=N` asks for. Says nothing of gaps before them.
void start_with_last(Worker& worker, Subscriber& s, size_t count) {
    Reach reach;
    reach.limit = count;
    reach.gaps = false;
    Past past = collect(worker, s.topic, reach);
    if (past.missing_to != 0 && past.positions.size() < count && worker.asks().is_open()) {
        Replay& replay = replay_of(s);
        replay.newest = count;
        replay.up_to = worker.last_seq();
        ask_index(worker, s);
        return;
    }
    begin_at(worker, s, std::move(past.positions));
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
    if (wanted.kind == StartKind::All || s.from_start) {
        go_on(worker, s);
    } else if (wanted.kind == StartKind::Last) {
        start_with_last(worker, s, wanted.count);
    } else if (s.waiting_since_ms == 0) {
        begin_at(worker, s, {});
    } else if (wanted.kind == StartKind::Uri &&
               newest_of(worker, s.topic.channels()) == Newest::Ends) {
        go_on(worker, s);  // nothing would follow what it was told first
    } else {
        // To one that came before the ring did, live is what has been published since.
        Reach reach;
        reach.since_ms = s.waiting_since_ms;
        reach.gaps = false;
        begin_at(worker, s, collect(worker, s.topic, reach).positions);
    }
}

void continue_history(Subscriber& s) {
    Worker& worker = *Worker::current();
    Replay& replay = *s.replay;
    if (replay.waits)
        return;
    if (replay.next < replay.positions.size())
        take_positions(worker, s);
    else if (replay.up_to != 0)
        ask_index(worker, s);
    else
        go_on(worker, s);
}

void restart_replay(Subscriber& s, bool same_log, uint32_t old_log) {
    Worker& worker = *Worker::current();
    Replay& replay = *s.replay;
    replay.positions.clear();
    replay.next = 0;
    if (replay.fill != nullptr) {
        replay.up_to = 0;
        return;  // it goes on behind `last_seq` when the event is filled
    }
    replay.waits = false;
    replay.retry_ms = 0;
    if (!same_log) {
        const uint64_t base = worker.ring()->reader.evicted_seq();
        s.push_gap(GapReason::Evicted, EventId{old_log, s.last_seq}, worker.id_of(base));
        s.last_seq = base;
        replay.newest = 0;
        replay.gap.reset();
    }
    if (replay.newest != 0) {
        start_with_last(worker, s, std::exchange(replay.newest, 0));
    } else {
        replay.up_to = 0;
        go_on(worker, s);
    }
    deliver(s);
}

void leave_for_replay(Subscriber& s) {
    Worker& worker = *Worker::current();
    Lane& lane = *s.lane;
    s.settle();
    if (s.is_trimmed())
        s.tell_trim();
    // They were counted for it when they came into the lane.
    subtract(worker.counters.events_sent,
             lane.events_before(lane.end()) - lane.events_before(lane.slot(s.slot).next));
    s.leave_lane();
    s.last_seq = std::max(s.last_seq, s.joined_seq);
    replay_of(s);
}

void replay_to_end(Subscriber& s) {
    leave_for_replay(s);
    Worker::current()->deliver_later(s);
}

void retry_replay(Subscriber& s) {
    s.replay->retry_ms = 0;
    s.replay->waits = false;
    Worker::current()->deliver_later(s);
}

void cancel_replay(Subscriber& s) {
    Worker* worker = Worker::current();
    if (worker != nullptr)
        worker->fills().leave(s);
    if (worker != nullptr && s.replay && s.replay->question != 0)
        worker->asks().cancel(std::exchange(s.replay->question, 0));
}

bool is_past_log(const ring::Header& header, uint32_t log) {
    const uint32_t count = std::min(header.past_log_count, ring::kPastLogs);
    return std::find(header.past_logs, header.past_logs + count, log) != header.past_logs + count;
}

}  // namespace herald
