// Takes questions about the past on the loop, and has them answered on the index's thread.
//
//   loop       ask ──────────────┐                     ┌──▶ answered
//                                ▼ job                 │ async
//   thread                   waiting ── applied ──▶ answer
//
// A question waits until the index has got as far as it asks, or as the journal; where the index
// fails, it gets what is there. `seen_seq` says how far an answer goes. It is answered in any case,
// at the latest after ten seconds, with Unavailable if need be: also while the thread hangs on a
// disk or builds the index anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>

#include "ring/questions.hpp"
#include "sidecar/history_answers.hpp"
#include "sidecar/history_store.hpp"
#include "sidecar/projection_thread.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class HistoryService final : private ProjectionThread::Visitor {
  public:
    using Answered = HistoryAnswers::Answered;

    // Starts the index's thread. The references outlive the service. Throws std::system_error.
    HistoryService(uv_loop_t* loop, HistoryStore& store, Segments& segments,
                   uint64_t within_ms = 10'000);
    ~HistoryService() = default;  // stops the thread; what was asked is not answered any more
    HistoryService(const HistoryService&) = delete;
    HistoryService& operator=(const HistoryService&) = delete;

    // -- the loop's thread
    // `answered` is called once, on the loop, never from within `ask`. It may ask again.
    void ask(ring::questions::HistoryQuestion question, Answered answered);

    uint64_t applied_seq() const { return thread_.applied_seq(); }
    uint64_t committed_seq() const { return thread_.committed_seq(); }  // for the journal's pruning
    bool is_failing() const { return thread_.is_failing(); }

  private:
    using Asked = HistoryAnswers::Asked;

    // -- the index's thread
    bool visit() override;
    bool look_whether_gone();
    bool has_to_wait(const Asked& asked) const;
    bool can_answer(const Asked& asked) const;
    void answer(const Asked& asked);

    HistoryStore& store_;
    Segments& segments_;
    HistoryAnswers answers_;

    // -- the index's thread
    std::list<std::shared_ptr<Asked>> waiting_{};  // in the order in which they were asked
    std::chrono::steady_clock::time_point looked_at_{};
    uint64_t kept_seq_ = 0;  // the most that the store has ever committed

    ProjectionThread thread_;  // last: ends before what it uses
};

}  // namespace herald::sidecar
