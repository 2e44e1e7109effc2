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

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/history_store.hpp"
#include "sidecar/projection_thread.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class HistoryService final : private ProjectionThread::Visitor {
  public:
    using Answered = std::function<void(std::string answer)>;

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
    struct Asked {
        uint64_t number = 0;
        ring::questions::HistoryQuestion question{};
        uint64_t seq = 0;  // how far the index has to be
        std::atomic<bool> given_up{false};
    };
    struct Pending {
        std::shared_ptr<Asked> asked{};
        Answered answered{};
        uint64_t deadline_ms = 0;  // of the loop's clock
    };
    struct Answer {
        uint64_t number = 0;
        std::string bytes{};
    };

    // -- the loop's thread
    void take_answers() noexcept;
    void give_up_late() noexcept;
    void finish(std::map<uint64_t, Pending>::iterator pending, std::string answer) noexcept;
    void set_deadline() noexcept;

    // -- the index's thread
    bool visit() override;
    bool look_whether_gone();
    bool has_to_wait(const Asked& asked) const;
    bool can_answer(const Asked& asked) const;
    void answer(const Asked& asked);
    void give(uint64_t number, std::string answer);  // any thread

    uv_loop_t* loop_;
    HistoryStore& store_;
    Segments& segments_;
    uint64_t within_ms_;
    uint64_t last_number_ = 0;
    std::map<uint64_t, Pending> pending_{};  // by number: the oldest, and the first late, first

    // -- the index's thread
    std::list<std::shared_ptr<Asked>> waiting_{};  // in the order in which they were asked
    std::chrono::steady_clock::time_point looked_at_{};
    uint64_t kept_seq_ = 0;  // the most that the store has ever committed

    std::mutex mutex_{};
    std::vector<Answer> answers_{};  // on their way to the loop

    Handle<uv_async_t> answers_ready_;
    Handle<uv_timer_t> deadline_;
    ProjectionThread thread_;  // last: ends before what it uses
};

}  // namespace herald::sidecar
