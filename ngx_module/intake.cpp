// From the ring into the lanes: the part of a worker that reads. Attaching to a ring, reading it
// within a budget, telling losses, and fanning out. The rest of the worker is in worker.cpp.
#include <algorithm>

#include "delivery.hpp"
#include "messages.hpp"
#include "replay.hpp"
#include "worker.hpp"

namespace herald {

namespace {

// What one turn may do before nginx's loop gets its turn again.
constexpr uint64_t kReadBudgetBytes = 1 << 20;
constexpr uint32_t kReadBudgetRecords = 16384;
constexpr uint32_t kSendBudget = 4096;

constexpr size_t kGapsKept = 256;

}  // namespace

void Worker::attach(std::unique_ptr<AttachedRing> ring) {
    // The old one to its end first: what it still holds was published.
    while (read_ring()) {
    }
    const bool first = !ring_;
    const bool same_log = !first && ring_->header().log == ring->header().log;
    const EventId old_id = id_of(last_seq_);
    if (!same_log) {
        settle_all();
        fills_.clear();
    }

    ring_ = std::move(ring);
    herald::add(counters.attaches);
    counters.attached.store(1, std::memory_order_relaxed);
    channels.rebase(ring_->header().hash_seed);
    noted_gaps_.clear();

    const uint64_t base = ring_->reader.evicted_seq();
    if (first) {
        last_seq_ = base;
        index_ring(UINT64_MAX);
    } else if (!same_log) {
        // Another journal: its past is not ours, and what was published in between is lost to open
        // streams.
        last_seq_ = base;
        restart_seqs(base);
        tell_gap(GapReason::Redis, old_id, id_of(base));
    } else if (base > last_seq_) {
        last_seq_ = base;
        tell_gap(GapReason::Evicted, old_id, id_of(base));
    } else {
        index_ring(last_seq_);
    }

    seal();  // what was told above is not for those who join below
    for (Subscriber* subscriber = first_; subscriber != nullptr; subscriber = subscriber->next) {
        if (subscriber->phase == Phase::Replaying)
            restart_replay(*subscriber, same_log, old_id.log);
    }
    for (Subscriber* subscriber : std::exchange(waiting_, {})) {
        subscriber->queued = false;
        if (subscriber->phase != Phase::Waiting || subscriber->dead)
            continue;
        begin_history(*subscriber);
        deliver(*subscriber);
    }
    wake();
}

// Whatever streams have to say of seqs, they say while these mean what they meant.
void Worker::settle_all() {
    for (Subscriber* subscriber = first_; subscriber != nullptr; subscriber = subscriber->next) {
        subscriber->settle();
        if (subscriber->is_trimmed())
            subscriber->tell_trim();
    }
}

// Seqs start again: those that streams remember belong to another log. A stream that has not had
// all of the old one leaves its lane, and is told so as a replay is.
void Worker::restart_seqs(uint64_t base) {
    for (Subscriber* subscriber = first_; subscriber != nullptr; subscriber = subscriber->next) {
        Subscriber& s = *subscriber;
        if (s.phase != Phase::Live || s.dead)
            continue;
        if (s.lane->slot(s.slot).next != s.lane->end())
            leave_for_replay(s);
        else
            s.last_seq = s.lane_seq = s.joined_seq = base;
    }
    channels.each_topic(
        [&](Topic& topic) { topic.each_lane([&](Lane& lane) { lane.restart_seq(base); }); });
}

// Reads a new ring from its oldest record on, without delivering, up to and with `last`.
void Worker::index_ring(uint64_t last) {
    ring::Reader& reader = ring_->reader;
    ring::RecordHeader header;
    for (;;) {
        const ring::Poll poll = reader.peek(header);
        if (poll == ring::Poll::Lapped) {
            reader.seek(reader.oldest());
            continue;
        }
        if (poll != ring::Poll::Record || header.seq > last)
            return;  // whatever it is, `read_ring` meets it again
        if (header.kind == ring::Kind::Event)
            channels.note(header.channel_hash, reader.cursor());
        else
            note_notice(header, reader.cursor());
        last_seq_ = header.seq;
        reader.skip(header);
    }
}

void Worker::wake() {
    const bool more = read_ring();
    const bool served = fan_out();
    if (more || !served)
        wake_again();
    run_later();
}

// In the next turn of nginx's loop, after what is waiting there has had its turn.
void Worker::wake_again() {
    ngx_post_event(&posted_, &ngx_posted_next_events);
}

void Worker::catch_up(uint64_t seq) {
    while (read_ring() && last_seq_ < seq) {
    }
    seal();  // what was read is not for those who join next
    wake_again();
}

void Worker::on_posted(ngx_event_t* event) noexcept {
    auto* worker = static_cast<Worker*>(event->data);
    guard(worker->log_, [&] { worker->wake(); });
}

// Takes what is in the ring into the lanes; true when the budget ended it before the ring did.
bool Worker::read_ring() {
    if (!ring_)
        return false;
    ring::Reader& reader = ring_->reader;
    const uint64_t start = reader.cursor();
    uint32_t records = 0;
    bool more = false;

    for (;;) {
        if (records == kReadBudgetRecords || reader.cursor() - start > kReadBudgetBytes) {
            more = true;
            break;
        }
        ring::RecordHeader header;
        const ring::Poll poll = reader.peek(header);
        if (poll == ring::Poll::Empty)
            break;
        if (poll != ring::Poll::Record) {
            report_loss(poll);
            break;
        }
        ++records;
        const uint64_t position = reader.cursor();
        // Seqs are consecutive in a ring. What was called lost may still turn up: once told, it
        // stays lost.
        if (header.seq <= last_seq_) {
            if (header.kind == ring::Kind::Event)
                channels.note(header.channel_hash, position);
            reader.skip(header);
            continue;
        }
        if (header.seq != last_seq_ + 1 && header.kind != ring::Kind::Gap)
            tell_gap(GapReason::Evicted, id_of(last_seq_), id_of(header.seq - 1));
        if (header.kind != ring::Kind::Event) {
            reader.skip(header);
            note_notice(header, position);
            tell_notice(header);
            last_seq_ = header.seq;
            continue;
        }

        ChannelTable::Entry& entry = channels.note(header.channel_hash, position);
        const bool wanted = entry.topics != nullptr;
        if (wanted && reader.body(position, header, record_) != ring::Poll::Record) {
            report_loss(ring::Poll::Lapped);
            break;
        }
        reader.skip(header);
        last_seq_ = header.seq;
        if (wanted)
            take(record_, entry);
    }

    channels.forget_before(reader.oldest());
    herald::add(counters.records, records);
    counters.channels.store(channels.size(), std::memory_order_relaxed);
    return more;
}

void Worker::take(const ring::Record& record, ChannelTable::Entry& entry) {
    OutEvent event;
    event.id = id_of(record.header.seq);
    event.event = record.event;
    event.channel = record.channel;
    event.data = record.data;
    for (Topic* topic : *entry.topics) {
        if (!topic->has(record.channel))
            continue;  // another name with the same hash
        // To be filled, it is each stream's to wait for, and what follows waits behind it.
        if ((record.header.flags & ring::kEndsStream) ||
            find_fill_rule(static_cast<const ngx_array_t*>(topic->rules()), record.event,
                           record.data) != nullptr) {
            replay_topic(*topic);
            continue;
        }
        topic->each_lane([&](Lane& lane) {
            if (lane.size() == 0)
                return;
            lane.append(event, true, now_ms());
            herald::add(counters.events_sent, lane.size());
        });
        touch(*topic);
    }
}

// The event that was just read is not for the lanes of this topic: it ends its streams, or has to
// be filled. Each stream leaves its lane for the ring, where it meets that event behind whatever it
// has not had yet.
void Worker::replay_topic(Topic& topic) {
    topic.each_lane([](Lane& lane) {
        lane.seal();
        while (lane.size() != 0) {
            auto& subscriber = static_cast<Subscriber&>(*lane.slot(0).member);
            if (subscriber.dead)
                subscriber.leave_lane();
            else
                replay_to_end(subscriber);
        }
    });
    touch(topic);
}

void Worker::note_notice(const ring::RecordHeader& header, uint64_t position) {
    if (header.kind != ring::Kind::RedisBack && header.kind != ring::Kind::Gap)
        return;
    noted_gaps_.push_back({position, header.seq});
    if (noted_gaps_.size() > kGapsKept)
        noted_gaps_.pop_front();
}

void Worker::tell_notice(const ring::RecordHeader& header) {
    switch (header.kind) {
        case ring::Kind::RedisBack:
            tell_gap(GapReason::Redis, id_of(header.from_seq), id_of(header.seq));
            return;
        case ring::Kind::Gap:
            tell_gap(GapReason::Evicted, id_of(std::max(header.from_seq, last_seq_)),
                     id_of(header.seq));
            return;
        case ring::Kind::RedisLost:
            break;
        default:
            return;
    }
    seal();  // what came before the loss is told before it
    for (Subscriber* subscriber = first_; subscriber != nullptr; subscriber = subscriber->next)
        tell_redis_lost(*subscriber);
}

// Tells every live stream, in order with its events.
void Worker::tell_gap(GapReason reason, EventId from, EventId to) {
    const std::string data = gap_data(reason, from, to);
    OutEvent event;
    event.id = to;
    event.event = "gap";
    event.data = data;
    channels.each_topic([&](Topic& topic) {
        bool told = false;
        topic.each_lane([&](Lane& lane) {
            if (lane.size() == 0)
                return;
            lane.append(event, false, now_ms());
            herald::add(counters.gaps, lane.size());
            told = true;
        });
        if (told)
            touch(topic);
    });
    for (Subscriber* subscriber = first_; subscriber != nullptr; subscriber = subscriber->next) {
        if (subscriber->lane != nullptr)
            ++subscriber->log.gaps;
    }
}

// Goes on behind records that cannot be read: the writer went around the whole ring while this
// worker was away, or what is there contradicts itself. Whatever was skipped is lost here, and
// told.
void Worker::report_loss(ring::Poll poll) {
    ring::Reader& reader = ring_->reader;
    const EventId from = id_of(last_seq_);
    uint64_t lost_seq = 0;
    if (poll == ring::Poll::Lapped) {
        herald::add(counters.lapped);
        ngx_log_error(NGX_LOG_WARN, log_, 0,
                      "herald: the ring has overtaken this worker, a larger [ring] size gives it "
                      "more time");
        reader.seek(reader.oldest());
        lost_seq = reader.evicted_seq();
    } else {
        ngx_log_error(NGX_LOG_ALERT, log_, 0, "herald: corrupt record at position %uL of the ring",
                      static_cast<uint64_t>(reader.cursor()));
        reader.seek(reader.tail());
        lost_seq = ring_->header().last_seq.load(std::memory_order_relaxed);
    }
    last_seq_ = std::max(last_seq_, lost_seq);
    tell_gap(GapReason::Evicted, from, id_of(last_seq_));
    wake_again();
}

void Worker::touch(Topic& topic) {
    if (topic.dirty)
        return;
    topic.dirty = true;
    ++topic.users;  // it may lose its last subscriber before its turn
    dirty_.push_back(&topic);
}

// Makes sendable what was read.
void Worker::seal() {
    for (Topic* topic : dirty_) {
        topic->each_lane(
            [this](Lane& lane) { herald::add(counters.bytes_sent, lane.seal() * lane.size()); });
    }
}

// herald_io_uring. Where the kernel has none for us, streams are served all the same.
void Worker::open_batch() {
    std::string refusal;
    batch_ = SendBatch::open(refusal);
    if (batch_) {
        ngx_log_error(NGX_LOG_NOTICE, log_, 0, "herald: fan-out goes through io_uring");
    } else {
        ngx_log_error(NGX_LOG_WARN, log_, 0, "herald: fan-out goes on without io_uring: %s",
                      refusal.c_str());
    }
}

// Sends what the first dirty topics have put into the batch.
void Worker::finish_batch(LaneVisitor& visitor, size_t topics) {
    Lane::flush(*batch_, visitor);
    if (batch_->failure() != 0) {
        ngx_log_error(NGX_LOG_ERR, log_, batch_->failure(),
                      "herald: io_uring_enter() failed, fan-out goes on without io_uring");
        batch_.reset();
    }
    for (size_t i = 0; i < topics; ++i)
        dirty_[i]->each_lane([](Lane& lane) { lane.end_round(); });
}

// Serves the dirty topics; true when all have been served within the budget.
bool Worker::fan_out() {
    seal();
    LaneVisitor visitor(*this);
    uint32_t budget = kSendBudget;
    size_t served = 0;
    try {
        for (; served < dirty_.size(); ++served) {
            Topic& topic = *dirty_[served];
            bool all = true;
            topic.each_lane(
                [&](Lane& lane) { all = lane.fan_out(visitor, budget, batch_.get()) && all; });
            if (!all)
                break;
        }
    } catch (...) {
        if (batch_)
            Lane::flush(*batch_, visitor);  // what is in it counts as sent
        throw;
    }
    if (batch_)
        finish_batch(visitor, std::min(served + 1, dirty_.size()));
    const auto end_of_served = dirty_.begin() + static_cast<ptrdiff_t>(served);
    const std::vector<Topic*> done(dirty_.begin(), end_of_served);
    dirty_.erase(dirty_.begin(), end_of_served);
    for (Topic* topic : done) {
        topic->dirty = false;
        channels.release(*topic);
    }
    // Whoever used up the budget comes last the next time.
    if (!dirty_.empty())
        std::rotate(dirty_.begin(), dirty_.begin() + 1, dirty_.end());
    return dirty_.empty();
}

}  // namespace herald
