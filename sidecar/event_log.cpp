// A batch's way: journal, ring, doorbells. A check handle commits, which libuv runs right after it
// has polled, so that one turn of the loop is one batch, and nothing waits for more to come.
#include "sidecar/event_log.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "sidecar/journal_reader.hpp"
#include "sidecar/log.hpp"
#include "sidecar/step.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxBatch = 1 << 20;      // bytes of lines
constexpr uint64_t kRetryMs = 500;         // between tries at a journal that fails
constexpr uint64_t kWakeMs = 20;           // how long the readers of the journal may wait
constexpr size_t kCatchUpBytes = 2 << 20;  // of lines in one turn of the loop, at least
constexpr uint64_t kCatchUpPauseMs = 1;    // for the loop's other work

uint64_t random_64() {
    std::random_device random;
    return uint64_t{random()} << 32 | random();
}

ring::WriterOptions writer_options(const Config& config, const Journal& journal,
                                   uint64_t tail_start) {
    ring::WriterOptions options;
    options.capacity = config.ring_size;
    options.max_message = config.max_message;
    options.log = journal.log();
    options.base_seq = tail_start;
    options.hash_seed = random_64();
    options.incarnation = std::max<uint64_t>(1, random_64());
    options.created_ms = wall_clock_ms();
    options.past_logs = journal.past_logs();
    return options;
}

bool is_of_log(const Journal& journal) {
    const std::vector<Segment> segments = journal.segments().view().segments;
    return !segments.empty() && segments.back().log == journal.log();
}

// The seq behind which the ring begins. Another log's events have no place in it.
uint64_t start_of(const Journal& journal, uint64_t ring_size) {
    return is_of_log(journal) ? tail_start(journal.segments(), ring_size) : journal.last_seq();
}

}  // namespace

EventLog::EventLog(uv_loop_t* loop, const Config& config, Journal& journal,
                   const Doorbells& doorbells)
    : journal_(journal),
      doorbells_(doorbells),
      tail_start_(start_of(journal, config.ring_size)),
      ring_(writer_options(config, journal, tail_start_)),
      mapping_(ring_.fd(), ring_.map_size()),
      last_seq_(journal.last_seq()),
      turn_end_(make_handle<uv_check_t>(
          this, "check", [loop](uv_check_t* check) { return uv_check_init(loop, check); })),
      catch_up_(make_timer(loop, this)),
      wake_(make_timer(loop, this)) {
    journal_.on_failure([this] { fall_behind(); });
    uv_check_start(turn_end_.get(),
                   [](uv_check_t* check) noexcept { owner_of<EventLog>(check).commit(); });
    count(ring::kTornLines, journal_.torn_lines());
}

EventLog::~EventLog() {
    commit();
    journal_.on_failure(nullptr);
}

// -- at the start

void EventLog::rebuild(uint64_t remembered, const std::function<void(const JournalEntry&)>& seen) {
    const uint64_t from = std::min(tail_start_, tail_start(journal_.segments(), remembered));
    JournalReader reader(journal_.segments(), from);
    JournalEntry entry;
    while (reader.next(entry) == JournalReader::Read::Entry) {
        if (entry.id.log != journal_.log())
            continue;
        seen(entry);
        if (entry.id.seq <= tail_start_)
            continue;
        note_loss(entry);
        to_ring(entry);
    }
    if (reader.bad_lines() != 0)
        log::warn(log::Line("journal has lines that are none").with("lines", reader.bad_lines()));
    if (journal_.found_seq() < journal_.last_seq()) {
        JournalEntry gap;
        gap.kind = ring::Kind::Gap;
        gap.from_seq = journal_.found_seq();
        append(gap);
    }
    if (journal_.last_seq() != 0) {
        JournalEntry away;
        away.kind = ring::Kind::Away;
        append(away);
    }
    commit();
}

void EventLog::note_loss(const JournalEntry& entry) {
    if (entry.kind == ring::Kind::RedisBack)
        lost_seq_ = 0;
    else if ((entry.kind == ring::Kind::RedisLost || entry.kind == ring::Kind::Away) &&
             lost_seq_ == 0)
        lost_seq_ = entry.id.seq;
}

void EventLog::to_ring(const JournalEntry& entry) {
    // Configured smaller since: the ring begins behind it, and the index has it.
    if (!ring_.fits(entry.channel.size(), entry.event.size(), entry.data.size()))
        return ring_.forget_all(entry.id.seq);
    ring_.append({entry.kind, entry.ends ? ring::kEndsStream : uint8_t{0}, entry.id.seq,
                  entry.at_ms, entry.channel, entry.event, entry.data, entry.from_seq});
}

// -- a batch

uint64_t EventLog::append(JournalEntry entry) {
    const size_t names = names_.size();
    const size_t lines = lines_.size();
    if (batch_.empty())
        batch_ms_ = wall_clock_ms();
    entry.id = id_of(last_seq_ + 1);
    entry.at_ms = batch_ms_;
    try {
        Pending pending;
        pending.record.kind = entry.kind;
        pending.record.flags = entry.ends ? ring::kEndsStream : uint8_t{0};
        pending.record.seq = entry.id.seq;
        pending.record.at_ms = entry.at_ms;
        pending.record.from_seq = entry.from_seq;
        pending.names = names;
        pending.channel_length = entry.channel.size();
        pending.event_length = entry.event.size();
        pending.data_length = entry.data.size();
        names_.append(entry.channel).append(entry.event);
        pending.data = append_line(lines_, entry).data;
        batch_.push_back(pending);
    } catch (...) {
        names_.resize(names);  // out of memory: as if it had never come
        lines_.resize(lines);
        throw;
    }
    ++last_seq_;
    note_loss(entry);
    if (lines_.size() > kMaxBatch)
        commit();
    return entry.id.seq;
}

void EventLog::commit() {
    if (batch_.empty())
        return;
    at_step("commit.begin");
    const uint64_t first_seq = batch_.front().record.seq;
    if (!behind_ && !journal_.write(lines_, first_seq, last_seq_))
        fall_behind();
    journal_.reserve(last_seq_);
    at_step("commit.journaled");
    show();
    at_step("commit.shown");
    doorbells_.ring();
    at_step("commit.rung");

    shown_bytes_ += lines_.size();
    batch_.clear();
    lines_.clear();
    names_.clear();
    note_journal();
    if (!uv_is_active(reinterpret_cast<uv_handle_t*>(wake_.get())))
        uv_timer_start(
            wake_.get(),
            [](uv_timer_t* timer) noexcept { owner_of<EventLog>(timer).wake_readers(); }, kWakeMs,
            0);
    if (on_commit_)
        on_commit_();
}

void EventLog::show() {
    const std::string_view names = names_;
    const std::string_view lines = lines_;
    for (Pending& pending : batch_) {
        ring::NewRecord& record = pending.record;
        record.channel = names.substr(pending.names, pending.channel_length);
        record.event = names.substr(pending.names + pending.channel_length, pending.event_length);
        record.data = lines.substr(pending.data, pending.data_length);
        ring_.append(record);
        at_step("ring.appended");
    }
}

void EventLog::wake_readers() {
    journal_.segments().wake();
}

void EventLog::note_journal() {
    ring::Header& header = ring_.header();
    header.journaled_seq.store(journal_.written_seq(), std::memory_order_relaxed);
    header.journal.store(behind_ || journal_.is_failing() ? ring::JournalState::Failing
                                                          : ring::JournalState::Working,
                         std::memory_order_relaxed);
    header.counters[ring::kJournalErrors].store(journal_.errors(), std::memory_order_relaxed);
}

void EventLog::count(ring::Counter counter, uint64_t n) {
    // One writer: no need for an atomic addition. Readers take any recent value.
    std::atomic<uint64_t>& value = ring_.header().counters[counter];
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

// -- Redis

bool EventLog::redis_connected() {
    std::atomic<ring::RedisState>& state = ring_.header().redis;
    const bool again = state.load(std::memory_order_relaxed) == ring::RedisState::Lost;
    if (lost_seq_ != 0) {
        JournalEntry back;
        back.kind = ring::Kind::RedisBack;
        back.from_seq = lost_seq_;
        append(back);
    }
    state.store(ring::RedisState::Connected, std::memory_order_relaxed);
    commit();
    return again;
}

bool EventLog::is_redis_there() const {
    return mapping_.header().redis.load(std::memory_order_relaxed) == ring::RedisState::Connected;
}

void EventLog::redis_lost() {
    ring_.header().redis.store(ring::RedisState::Lost, std::memory_order_relaxed);
    JournalEntry lost;
    lost.kind = ring::Kind::RedisLost;
    append(lost);
    commit();
}

// -- a journal that fails

void EventLog::fall_behind() {
    behind_ = true;
    unwritten_.reset();
    note_journal();
    uv_timer_start(
        catch_up_.get(), [](uv_timer_t* timer) noexcept { owner_of<EventLog>(timer).catch_up(); },
        kRetryMs, 0);
}

// In turns of the loop of its own, each of which writes more than what has come since the last.
void EventLog::catch_up() {
    uint64_t again_ms = kRetryMs;
    const uint64_t written = journal_.written_seq();
    try {
        if (!unwritten_)
            unwritten_ = std::make_unique<ring::Reader>(mapping_);
        const bool wrote = write_from_ring(kCatchUpBytes + 2 * std::exchange(shown_bytes_, 0));
        if (journal_.written_seq() < written)
            unwritten_.reset();  // a sync has failed: what was read has to be written again
        else if (wrote && unwritten_ && unwritten_->cursor() != unwritten_->tail())
            again_ms = kCatchUpPauseMs;
        else if (wrote && unwritten_)
            behind_ = false;
    } catch (const std::exception& error) {
        log::error(log::Line("journal cannot be caught up").with("reason", error.what()));
        unwritten_.reset();
    }
    note_journal();
    if (behind_)
        uv_timer_start(
            catch_up_.get(),
            [](uv_timer_t* timer) noexcept { owner_of<EventLog>(timer).catch_up(); }, again_ms, 0);
    else if (on_commit_)
        on_commit_();
}

// The events behind `from_seq` up to `to_seq` are in no journal, and gone from the ring. Comes
// again for the same ones where the Gap that says so could not be written, or not be synced.
void EventLog::count_lost(uint64_t from_seq, uint64_t to_seq) {
    const uint64_t from = std::max(from_seq, lost_from_);
    const uint64_t to = std::min(to_seq, lost_to_);
    const uint64_t again = from < to ? to - from : 0;
    count(ring::kJournalLost, to_seq - from_seq - again);
    lost_from_ = again != 0 ? std::min(from_seq, lost_from_) : from_seq;
    lost_to_ = again != 0 ? std::max(to_seq, lost_to_) : to_seq;
}

// Writes some of what the ring has and the journal lacks; false where that fails.
bool EventLog::write_from_ring(size_t budget) {
    ring::Reader& reader = *unwritten_;
    const uint64_t start = reader.cursor();
    std::string lines;
    const uint64_t written = journal_.written_seq();
    uint64_t last = written;
    ring::Record record;
    ring::RecordHeader header;
    while (lines.size() < budget && last < last_seq_) {
        ring::Poll poll = reader.peek(header);
        if (poll == ring::Poll::Record && header.seq <= last) {
            reader.skip(header);
            continue;
        }
        if (poll == ring::Poll::Record)
            poll = reader.body(reader.cursor(), header, record);
        if (poll == ring::Poll::Lapped) {
            reader.seek(reader.oldest());
            continue;
        }
        if (poll != ring::Poll::Record)
            break;
        reader.skip(header);
        if (header.seq != last + 1) {
            JournalEntry gap;
            gap.kind = ring::Kind::Gap;
            gap.id = id_of(header.seq - 1);
            // With the start's own Gap, should that be among what is lost.
            gap.from_seq = last == journal_.last_seq() ? journal_.found_seq() : last;
            gap.at_ms = wall_clock_ms();
            append_line(lines, gap);
            count_lost(last, header.seq - 1);
        }
        JournalEntry entry;
        entry.kind = header.kind;
        entry.ends = (header.flags & ring::kEndsStream) != 0;
        entry.id = id_of(header.seq);
        entry.from_seq = header.from_seq;
        entry.at_ms = header.at_ms;
        entry.channel = record.channel;
        entry.event = record.event;
        entry.data = record.data;
        append_line(lines, entry);
        last = header.seq;
    }
    if (lines.empty() || journal_.write(lines, written + 1, last))
        return true;
    if (unwritten_)
        unwritten_->seek(start);
    return false;
}

}  // namespace herald::sidecar
