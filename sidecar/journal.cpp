// The policy: when to sync, when to go on to another segment, and what does not count any more
// when the disk says no.
#include "sidecar/journal.hpp"

#include <new>
#include <system_error>
#include <utility>

#include "sidecar/journal_files.hpp"
#include "sidecar/log.hpp"
#include "sidecar/step.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kSyncEveryMs = 1000;

}  // namespace

Journal::Journal(uv_loop_t* loop, StateDirectory& state, const JournalConfig& config)
    : config_(config),
      directory_(state.path() + "/journal"),
      continuity_(state.path() + "/continuity"),
      retention_(config),
      background_(loop, [this](BackgroundSync::Result result) { on_background_sync(result); }) {
    const Recovery found = recover_journal(state, continuity_, directory_);
    log_ = found.log;
    past_logs_ = found.past_logs;
    last_seq_ = written_seq_ = synced_seq_ = given_seq_ = found.last_seq;
    found_seq_ = found.found_seq;
    torn_lines_ = found.torn_lines;
    segments_.assign(found.segments);
    segments_.extend(found.end, found.line_seq);
    open_newest(found);

    // Until the Gap is written that tells of what is lost, another start has to find it, too.
    continuity_.keep(
        {log_, last_seq_ + kReserved, boot_id(), config_.fsync, false, found_seq_ < last_seq_});
    try {
        state.remember_log(log_);
    } catch (const std::system_error& error) {
        log::warn(log::Line("cannot remember the log's name").with("error", error.what()));
    }
    log::info(log::Line("journal open")
                  .with("log", log_name(log_))
                  .with("segments", segments_.view().segments.size())
                  .with("found", found_seq_)
                  .with("behind", last_seq_));

    if (config_.fsync != Fsync::EverySec)
        return;
    timer_ = make_timer(loop, this);
    uv_timer_start(
        timer_.get(),
        [](uv_timer_t* timer) noexcept { owner_of<Journal>(timer).sync_in_background(); },
        kSyncEveryMs, kSyncEveryMs);
    uv_unref(reinterpret_cast<uv_handle_t*>(timer_.get()));
}

// A new log has a segment from its first moment: by that the next start knows that none is missing.
void Journal::open_newest(const Recovery& found) {
    int error = 0;
    // The last run may have failed to sync it; another sync would say that all is well.
    const bool given_up = continuity_.promise().ahead;
    if (found.can_append) {
        error = file_.open(found.segments.back().path);
        // The last run's lines may be in memory alone. Where that cannot be mended, at least
        // nothing comes behind them in this file.
        if (error == 0 && config_.fsync != Fsync::Never && (error = file_.sync()) != 0)
            file_.close();
        if (error != 0)
            log::error(log::Line("journal: goes on in another segment")
                           .with("file", found.segments.back().path)
                           .with("error", std::generic_category().message(error)));
        if (given_up)
            file_.close();
        return;
    }
    for (const Segment& segment : found.segments) {
        if (segment.log == log_)
            return;
    }
    if ((error = begin_segment(last_seq_ + 1)) != 0)
        throw std::system_error(error, std::generic_category(), "begin a journal in " + directory_);
}

Journal::~Journal() {
    const auto result = background_.settle();
    if (result)
        settle(*result);
    if (config_.fsync == Fsync::Never)
        return;
    bool ahead = is_ahead();
    if (result && result->error != 0)
        ahead = true;  // rule 2: another sync would say that all is well
    else if (synced_seq_ < written_seq_ && file_.sync() != 0)
        ahead = true;
    keep_promise(ahead ? continuity_.promise().limit : written_seq_, ahead, !ahead);
}

bool Journal::write(std::string_view lines, uint64_t first_seq, uint64_t last_seq) {
    const bool full = file_.is_open() && file_.size() >= config_.segment;
    if (full && !finish_segment())
        return false;
    if (!file_.is_open()) {
        if (const int error = begin_segment(first_seq))
            return fail("begin a segment", error);
        if (full)
            at_step("journal.rotated");
    }

    const uint64_t before = file_.size();
    if (const int error = file_.append(lines)) {
        if (!file_.is_open())
            give_up_segment();
        return fail("write", error);
    }
    if (config_.fsync == Fsync::Always || must_sync_) {
        if (const int error = file_.sync()) {
            file_.cut(before);
            return fail_sync(error);
        }
        synced_seq_ = last_seq;
        must_sync_ = false;
        at_step("journal.synced");
    }
    written_seq_ = last_seq;
    if (config_.fsync == Fsync::Never)
        synced_seq_ = last_seq;
    segments_.extend(file_.size(), last_seq);
    if (failing_ || continuity_.promise().ahead)
        work_again();
    // So that little is left to sync when the segment ends.
    if (file_.size() >= config_.segment - config_.segment / 8) {
        if (const int error = begin_sync())
            return fail_sync(error);
    }
    return true;
}

// Returns errno. Leaves nothing behind that would keep the next try from succeeding.
int Journal::begin_segment(uint64_t first_seq) {
    Segment segment{log_, first_seq, directory_ + "/" + segment_name(log_, first_seq)};
    if (const int error = file_.open(segment.path))
        return error;
    if (config_.fsync != Fsync::Never) {
        try {
            sync_directory(directory_);
        } catch (const std::system_error& error) {
            file_.close();
            return error.code().value();
        }
    }

    // It may be there already: the one that was given up when none of its lines counted. Lines go
    // on behind what is in there, which readers then step over.
    const Segments::View view = segments_.view();
    if (view.segments.empty() || view.segments.back().first_seq != first_seq)
        segments_.add(std::move(segment));
    return 0;
}

// Closes the newest segment with everything in it on disk.
bool Journal::finish_segment() {
    if (config_.fsync == Fsync::EverySec) {
        if (const auto result = background_.settle()) {
            settle(*result);
            if (result->error != 0)
                return fail_sync(result->error);
        }
        if (synced_seq_ < written_seq_) {
            if (const int error = file_.sync())
                return fail_sync(error);
            synced_seq_ = written_seq_;
            at_step("journal.synced");
        }
    }
    file_.close();
    return true;
}

void Journal::sync_in_background() {
    if (const int error = begin_sync())
        on_background_sync({written_seq_, error});
}

// Returns errno where it had to wait for the disk and the sync has failed.
int Journal::begin_sync() {
    if (config_.fsync != Fsync::EverySec || background_.is_active() || !file_.is_open() ||
        synced_seq_ == written_seq_)
        return 0;
    if (background_.start(file_.fd(), written_seq_))
        return 0;
    // No descriptor to be had: then the loop waits for the disk.
    const int error = file_.sync();
    settle({written_seq_, error});
    return error;
}

void Journal::on_background_sync(BackgroundSync::Result result) noexcept {
    settle(result);
    if (result.error == 0)
        return;
    try {
        fail_sync(result.error);
        if (on_failure_)
            on_failure_();
    } catch (const std::bad_alloc&) {
        // The state has changed before anything was told: the next write goes on from there.
    }
}

void Journal::settle(BackgroundSync::Result result) {
    if (result.error != 0)
        return;
    synced_seq_ = result.seq;
    at_step("journal.synced");
}

// Nothing more can be done for its lines that are not known to be on disk: they do not count.
void Journal::give_up_segment() {
    if (const auto result = background_.settle()) {
        settle(*result);
        must_sync_ = must_sync_ || result->error != 0;
    }
    file_.close();
    written_seq_ = synced_seq_;
}

bool Journal::fail_sync(int error) {
    give_up_segment();
    must_sync_ = true;
    return fail("sync", error);
}

bool Journal::fail(std::string_view what, int error) {
    ++errors_;
    if (!std::exchange(failing_, true))
        log::error(log::Line("journal: failing")
                       .with("cannot", what)
                       .with("error", std::generic_category().message(error))
                       .with("written", written_seq_));
    if (!continuity_.promise().ahead)
        keep_promise(continuity_.promise().limit, true, false);
    return false;
}

// Whether seqs have been given that the journal may not have. What `continuity` says stays until
// it was taken back there.
bool Journal::is_ahead() const {
    return continuity_.promise().ahead || failing_ || written_seq_ < given_seq_;
}

void Journal::work_again() {
    if (std::exchange(failing_, false))
        log::info(log::Line("journal: works again").with("written", written_seq_));
    if (written_seq_ >= given_seq_ && continuity_.promise().ahead)
        keep_promise(continuity_.promise().limit, false, false);
}

void Journal::reserve(uint64_t seq) {
    if (seq > given_seq_)
        given_seq_ = seq;
    const Promise& promise = continuity_.promise();
    const bool ahead = is_ahead();
    const bool near = seq + kReserved / 2 > promise.limit;
    if (near || ahead != promise.ahead)
        keep_promise(near ? seq + kReserved : promise.limit, ahead, false);
    else
        promise_broken_ = ids_at_stake_ = false;
}

bool Journal::keep_promise(uint64_t limit, bool ahead, bool clean) {
    const Promise& kept = continuity_.promise();
    try {
        continuity_.keep({log_, limit, kept.boot, config_.fsync, clean, ahead});
        promise_broken_ = ids_at_stake_ = false;
        return true;
    } catch (const std::system_error& error) {
        ++errors_;
        if (!std::exchange(promise_broken_, true))
            log::error(log::Line("journal: cannot keep track of its ids")
                           .with("error", error.what())
                           .with("limit", kept.limit));
    }
    // A promise that says less than it could does no harm.
    const bool at_stake = (ahead && !kept.ahead) || given_seq_ > kept.limit;
    if (at_stake && !std::exchange(ids_at_stake_, true))
        log::error(log::Line("journal: ids may be given again if the sidecar dies now")
                       .with("written", written_seq_)
                       .with("given", given_seq_));
    return false;
}

void Journal::prune(uint64_t now_ms, uint64_t applied_seq, uint64_t steady_ms) {
    retention_.prune(segments_, now_ms, applied_seq, steady_ms);
}

}  // namespace herald::sidecar
