// The journal: an append-only log of all events in order, the truth from which everything else is
// rebuilt (docs/formats.md). Files in STATE/journal/, lines as in journal_entry.hpp.
//
// Lives on the loop's thread. A batch is one write. What a write or a sync has failed for does not
// count as written: the owner gives it again, from its ring, until the journal works again.
//
// 1. Only the newest segment can have lines that are not on disk: the next one begins when a sync
// of
//    everything in it has succeeded (unless fsync is Never).
// 2. A sync that has failed is never asked again. What it was for is given again, into another
//    segment, and counts there only when it is on disk, whatever the policy.
// 3. Seqs that clients may see stay below a limit that is on disk before (continuity.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/background_sync.hpp"
#include "sidecar/config.hpp"
#include "sidecar/continuity.hpp"
#include "sidecar/journal_recovery.hpp"
#include "sidecar/retention.hpp"
#include "sidecar/segment_file.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/state_directory.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class Journal {
  public:
    // Opens the journal of a state directory, or begins one. Sets a torn end aside. Logs what it
    // found. `state` outlives the journal. Throws std::runtime_error or std::system_error.
    Journal(uv_loop_t* loop, StateDirectory& state, const JournalConfig& config);
    ~Journal();  // syncs, and marks a clean end (neither where fsync is Never)
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // -- what was found
    uint32_t log() const { return log_; }  // the name in all ids from here on
    // Newest first, as ring::WriterOptions wants them.
    const std::vector<uint32_t>& past_logs() const { return past_logs_; }
    // No seq up to this one may be given again: some client may have seen it, also where the
    // journal has lost it.
    uint64_t last_seq() const { return last_seq_; }
    // Less than last_seq(): events behind it, up to last_seq(), may have been seen and are lost.
    // The owner says so with a Gap entry.
    uint64_t found_seq() const { return found_seq_; }
    uint64_t torn_lines() const { return torn_lines_; }

    // -- writing
    // Appends whole lines: entries with seqs from `first_seq` to `last_seq`, of which `first_seq`
    // is the one behind written_seq() (or the lines start with a Gap that says what is missing).
    // True when they are in the journal, and on disk where fsync is Always. False: written_seq()
    // says from where on the lines have to be given again; it may have gone back. Tells the log
    // once per outage. Each call tries the disk anew: the owner decides how often while it fails.
    bool write(std::string_view lines, uint64_t first_seq, uint64_t last_seq);

    uint64_t written_seq() const { return written_seq_; }
    bool is_failing() const { return failing_; }
    uint64_t errors() const { return errors_; }

    // Syncs what is not on disk yet, beside the loop, where fsync is EverySec and no sync is under
    // way. A timer calls it every second.
    void sync_in_background();

    // Called on the loop, never from within `write`, when a sync of sync_in_background() has
    // failed: written_seq() has gone back.
    void on_failure(std::function<void()> callback) { on_failure_ = std::move(callback); }

    // A promise for the next start that all seqs up to `seq` may have been given; cheap, called
    // for each batch before the ring shows it, and behind `write`. What has not been written
    // counts, too. Where the promise cannot be kept each call tries again; an error in the log says
    // that ids may be given twice.
    void reserve(uint64_t seq);

    const Segments& segments() const { return segments_; }
    Segments& segments() { return segments_; }

    // Deletes the oldest segments beyond retention and max_size; never the newest. Segments with
    // entries behind `applied_seq` (how far the slowest projection has got) stay until max_size is
    // exceeded. `now_ms`: wall clock; `steady_ms`: one that does not jump, by which a segment has
    // to be too old for an hour, or for `retention` where that is less: so long a wrong wall clock
    // has to be put right. What was torn off a segment goes with it.
    void prune(uint64_t now_ms, uint64_t applied_seq, uint64_t steady_ms = uv_hrtime() / 1000000);

  private:
    void open_newest(const Recovery& found);
    int begin_segment(uint64_t first_seq);
    bool finish_segment();
    int begin_sync();

    bool fail(std::string_view what, int error);
    bool fail_sync(int error);
    void give_up_segment();
    void settle(BackgroundSync::Result result);
    void on_background_sync(BackgroundSync::Result result) noexcept;
    void work_again();
    bool is_ahead() const;
    bool keep_promise(uint64_t limit, bool ahead, bool clean);

    JournalConfig config_;
    std::string directory_;
    Continuity continuity_;
    uint32_t log_ = 0;
    std::vector<uint32_t> past_logs_{};
    uint64_t last_seq_ = 0;
    uint64_t found_seq_ = 0;
    uint64_t torn_lines_ = 0;

    SegmentFile file_{};
    uint64_t written_seq_ = 0;
    uint64_t synced_seq_ = 0;  // on disk up to here, at least; where fsync is Never: written_seq_
    uint64_t given_seq_ = 0;   // the highest that was reserved
    bool must_sync_ = false;   // a sync has failed: rule 2
    bool failing_ = false;
    bool promise_broken_ = false;  // `continuity` could not be written; told
    bool ids_at_stake_ = false;    // and that matters; told
    uint64_t errors_ = 0;
    std::function<void()> on_failure_{};
    Segments segments_{};
    Retention retention_;
    BackgroundSync background_;
    Handle<uv_timer_t> timer_{};
};

}  // namespace herald::sidecar
