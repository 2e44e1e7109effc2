// Questions about the past that another thread answers, as the loop waits for them: each is
// answered once, on the loop, at the latest when its time is over, with Unavailable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class HistoryAnswers {
  public:
    using Answered = std::function<void(std::string answer)>;

    // What the thread gets of a question.
    struct Asked {
        uint64_t number = 0;
        ring::questions::HistoryQuestion question{};
        uint64_t seq = 0;                   // how far the answer has to go
        std::atomic<bool> given_up{false};  // nobody waits for it any more
    };

    // Throws std::system_error.
    HistoryAnswers(uv_loop_t* loop, uint64_t within_ms);
    ~HistoryAnswers() = default;  // what was asked is not answered any more
    HistoryAnswers(const HistoryAnswers&) = delete;
    HistoryAnswers& operator=(const HistoryAnswers&) = delete;

    // On the loop. `answered` is called once, never from within `add`. It may ask again.
    std::shared_ptr<Asked> add(ring::questions::HistoryQuestion question, uint64_t seq,
                               Answered answered);

    // Any thread. What was given up is not listened to.
    void give(uint64_t number, std::string answer);

    // The bytes of an answer without items.
    static std::string only(ring::questions::HistoryStatus status);

  private:
    struct Pending {
        std::shared_ptr<Asked> asked{};
        Answered answered{};
        uint64_t deadline_ms = 0;  // of the loop's clock
    };
    struct Answer {
        uint64_t number = 0;
        std::string bytes{};
    };

    void take() noexcept;
    void give_up_late() noexcept;
    void finish(std::map<uint64_t, Pending>::iterator pending, std::string answer) noexcept;
    void set_deadline() noexcept;

    uv_loop_t* loop_;
    uint64_t within_ms_;
    uint64_t last_number_ = 0;
    std::map<uint64_t, Pending> pending_{};  // by number: the oldest, and the first late, first

    std::mutex mutex_{};
    std::vector<Answer> answers_{};  // on their way to the loop

    Handle<uv_async_t> ready_;
    Handle<uv_timer_t> deadline_;
};

}  // namespace herald::sidecar
