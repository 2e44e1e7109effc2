// One projection and the thread that keeps it up to date with the journal.
//
//   open ──▶ follow: a slice of entries, what visitors want, a commit where it is due ──┐
//     ▲         ▲───────────────────────────────────────────────────────────────────────┤
//     └── pause, 0.1 to 5 s ◀── anything throws ─────────────────────────────────────────┘
//
// The projection belongs to its thread. Others talk to it through jobs and the visitor, which run
// on the thread between two slices, so never later than a few milliseconds while it is working.
// The thread runs at a low priority: where the processor is short, events come first.
//
// After a failure the projection is opened again at once and then left alone for the pause: what
// can still be read can be asked for, also while nothing can be written.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "sidecar/projection.hpp"
#include "sidecar/segments.hpp"

namespace herald::sidecar {

class JournalReader;

class ProjectionThread {
  public:
    using Job = std::function<void()>;

    // What somebody does regularly on the thread.
    class Visitor {
      public:
        // After each slice and each batch of jobs, and at least once a second, also while the
        // projection fails. True: has more to do, and is to be called again soon.
        virtual bool visit() = 0;

      protected:
        ~Visitor() = default;
    };

    // Starts at once. Everything outlives the thread. `visitor` may be nullptr.
    ProjectionThread(Projection& projection, Segments& segments, Visitor* visitor = nullptr);
    // Stops after the slice it is in, commits what was applied, and joins.
    ~ProjectionThread();
    ProjectionThread(const ProjectionThread&) = delete;
    ProjectionThread& operator=(const ProjectionThread&) = delete;

    // -- any thread
    // Jobs run in their order. False, and the job is dropped, where kMaxJobs wait already. Jobs
    // that have not run when the thread stops never do. A job that throws std::exception is a
    // failure of the projection.
    bool post(Job job);
    static constexpr size_t kMaxJobs = 32 * 1024;

    // Of the newest entry that the projection shows; goes back when the projection has to.
    uint64_t applied_seq() const { return applied_seq_.load(std::memory_order_acquire); }
    // Of the newest entry that a crash cannot take from it. The journal may go behind this one.
    uint64_t committed_seq() const { return committed_seq_.load(std::memory_order_acquire); }
    // From a failure until a commit has worked again.
    bool is_failing() const { return failing_.load(std::memory_order_acquire); }

    // -- on the thread, from a job or the visitor
    // Whether the projection may be used: it was opened, and nothing has thrown since.
    bool is_open() const { return open_ && !reopen_; }
    // Opens the projection anew before the next slice; what was not committed is applied again.
    void reopen() { reopen_ = true; }

  private:
    using Clock = std::chrono::steady_clock;

    void run() noexcept;
    void open() noexcept;
    void follow();
    bool apply_slice(JournalReader& reader);
    void apply(const JournalEntry& entry);
    void skip(uint64_t to_seq);
    bool is_full() const;
    bool is_commit_due(bool at_end) const;
    void commit();
    void tend(bool at_end);
    bool serve();
    void wait_for_entries();
    void pause() noexcept;
    void fail(std::string_view reason) noexcept;
    void recover();
    bool is_stopping();

    Projection& projection_;
    Segments& segments_;
    Visitor* visitor_;
    std::string name_;

    // Written by the thread; what it shows was stored before.
    std::atomic<uint64_t> applied_seq_{0};
    std::atomic<uint64_t> committed_seq_{0};
    std::atomic<bool> failing_{false};

    // -- of the thread
    bool open_ = false;
    bool reopen_ = false;
    uint64_t seq_ = 0;           // of the newest entry applied
    uint64_t entries_ = 0;       // applied, not committed
    uint64_t bytes_ = 0;         // of their data
    uint64_t newest_first_ = 0;  // first_seq of the newest segment when the projection was tended
    uint32_t failures_ = 0;      // in a row
    Clock::time_point committed_at_{};
    Clock::time_point tended_at_{};
    Clock::time_point recovered_at_{};

    // -- shared
    std::mutex mutex_{};
    std::condition_variable changed_{};  // a job has come, or the end
    bool stopping_ = false;
    std::deque<Job> jobs_{};

    std::thread thread_{};
};

}  // namespace herald::sidecar
