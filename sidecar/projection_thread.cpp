// The thread's loop. Nothing here knows what is projected, or who asks.
#include "sidecar/projection_thread.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "sidecar/journal_reader.hpp"
#include "sidecar/log.hpp"
#include "sidecar/side_thread.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

namespace {

using std::chrono::milliseconds;

// A slice: how long a visitor waits at most while there is much to apply.
constexpr int kSliceEntries = 1000;
constexpr milliseconds kSlice{5};

// A commit costs about the same for one entry as for many.
constexpr uint64_t kCommitEntries = 20'000;
constexpr uint64_t kCommitBytes = 8 << 20;
constexpr milliseconds kCommitApart{20};

constexpr milliseconds kTendEvery{1000};
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{5000};

milliseconds pause_after(uint32_t failures) {
    const uint32_t doublings = std::min<uint32_t>(failures - 1, 6);
    return std::min(kFirstPause * (1 << doublings), kLongestPause);
}

}  // namespace

ProjectionThread::ProjectionThread(Projection& projection, Segments& segments, Visitor* visitor)
    : projection_(projection), segments_(segments), visitor_(visitor), name_(projection.name()) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this]() noexcept { run(); });
}

ProjectionThread::~ProjectionThread() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    segments_.wake();
    thread_.join();
}

bool ProjectionThread::post(Job job) {
    {
        const std::lock_guard lock(mutex_);
        if (jobs_.size() >= kMaxJobs)
            return false;
        jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
    segments_.wake();
    return true;
}

void ProjectionThread::run() noexcept {
    begin_side_thread(name_, projection_.niceness());
    tended_at_ = Clock::now();
    while (!is_stopping()) {
        open();
        if (is_failing())
            pause();
        if (!is_open())
            continue;
        try {
            follow();
        } catch (const std::exception& error) {
            fail(error.what());
        }
    }
}

void ProjectionThread::open() noexcept {
    reopen_ = false;
    open_ = false;
    try {
        seq_ = projection_.open();
    } catch (const std::exception& error) {
        return fail(error.what());
    }
    open_ = true;
    entries_ = 0;
    bytes_ = 0;
    applied_seq_.store(seq_, std::memory_order_release);
    committed_seq_.store(seq_, std::memory_order_release);
}

void ProjectionThread::follow() {
    JournalReader reader(segments_, seq_);
    for (;;) {
        const bool at_end = apply_slice(reader);
        if (is_commit_due(at_end))
            commit();
        tend(at_end);
        const bool more = serve();

        if (is_stopping()) {
            if (entries_ != 0 && is_open())
                commit();
            return;
        }
        if (reopen_)
            return;
        if (at_end && !more)
            wait_for_entries();
    }
}

// Whether the reader has come to the journal's end.
bool ProjectionThread::apply_slice(JournalReader& reader) {
    const auto until = Clock::now() + kSlice;
    bool at_end = false;
    JournalEntry entry;
    for (int i = 1; i <= kSliceEntries && !is_full(); ++i) {
        at_end = reader.next(entry) == JournalReader::Read::End;
        if (at_end)
            break;
        apply(entry);
        if (i % 64 == 0 && Clock::now() >= until)
            break;
    }
    applied_seq_.store(seq_, std::memory_order_release);
    return at_end;
}

void ProjectionThread::apply(const JournalEntry& entry) {
    if (entry.id.seq <= seq_)
        return;
    // A gap tells the rest of what is missing itself.
    const uint64_t before = entry.id.seq - 1;
    const uint64_t to_seq =
        entry.kind == ring::Kind::Gap ? std::min(entry.from_seq, before) : before;
    if (to_seq > seq_)
        skip(to_seq);
    projection_.apply(entry);
    seq_ = entry.id.seq;
    ++entries_;
    bytes_ += entry.channel.size() + entry.data.size();
}

void ProjectionThread::skip(uint64_t to_seq) {
    projection_.skip(seq_, to_seq);
    seq_ = to_seq;
    ++entries_;
}

bool ProjectionThread::is_full() const {
    return entries_ >= kCommitEntries || bytes_ >= kCommitBytes;
}

// While it fails, a commit is what says whether it works again.
bool ProjectionThread::is_commit_due(bool at_end) const {
    if (is_failing() || is_full())
        return true;
    return at_end && entries_ != 0 && Clock::now() - committed_at_ >= kCommitApart;
}

void ProjectionThread::commit() {
    projection_.commit();
    entries_ = 0;
    bytes_ = 0;
    committed_at_ = Clock::now();
    committed_seq_.store(seq_, std::memory_order_release);
    recover();
}

void ProjectionThread::tend(bool at_end) {
    const auto now = Clock::now();
    if (now - tended_at_ < kTendEvery)
        return;
    tended_at_ = now;

    // The segments before the one that was the newest a second ago were read to their ends since:
    // what they do not have is not to be had. An entry that comes later would say so as well, but
    // until then a question would wait for what never comes.
    if (at_end && newest_first_ > seq_ + 1) {
        skip(newest_first_ - 1);
        applied_seq_.store(seq_, std::memory_order_release);
    }
    if (entries_ != 0)
        commit();
    projection_.tend(wall_clock_ms());

    const Segments::View view = segments_.view();
    newest_first_ = view.segments.empty() ? 0 : view.segments.back().first_seq;
}

// The jobs that are there, then the visitor; whether it wants more.
bool ProjectionThread::serve() {
    std::unique_lock lock(mutex_);
    for (size_t left = jobs_.size(); left != 0 && !stopping_; --left) {
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
    lock.unlock();
    return visitor_ != nullptr && visitor_->visit();
}

void ProjectionThread::wait_for_entries() {
    auto until = tended_at_ + kTendEvery;
    if (entries_ != 0)
        until = std::min(until, committed_at_ + kCommitApart);
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (left.count() > 0)
        segments_.wait(static_cast<uint64_t>(left.count()));
}

void ProjectionThread::pause() noexcept {
    const auto until = Clock::now() + pause_after(failures_);
    while (!is_stopping() && Clock::now() < until) {
        try {
            if (serve())
                continue;
        } catch (const std::exception& error) {
            fail(error.what());
        }
        std::unique_lock lock(mutex_);
        changed_.wait_until(lock, std::min(until, Clock::now() + kTendEvery),
                            [this] { return stopping_ || !jobs_.empty(); });
    }
}

void ProjectionThread::fail(std::string_view reason) noexcept {
    open_ = false;
    // Soon after it recovered, the same outage goes on: so that it is not logged for ever.
    if (!is_failing() && Clock::now() - recovered_at_ > kLongestPause)
        failures_ = 0;
    ++failures_;
    if (failing_.exchange(true, std::memory_order_acq_rel))
        return;
    try {
        log::error(log::Line("projection fails").with("name", name_).with("reason", reason));
    } catch (const std::exception&) {
        // Out of memory; is_failing() says the same.
    }
}

void ProjectionThread::recover() {
    if (!failing_.exchange(false, std::memory_order_acq_rel))
        return;
    recovered_at_ = Clock::now();
    log::info(log::Line("projection works again").with("name", name_).with("seq", seq_));
}

bool ProjectionThread::is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
}

}  // namespace herald::sidecar
