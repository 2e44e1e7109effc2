// A worker's questions to the sidecar that have not been answered yet (ring/questions.hpp).
//
// At most kWindow are with the sidecar at a time; the others wait their turn here, so that ten
// thousand clients that come at once cost the sidecar no memory. When the connection ends, every
// question ends with it, unanswered.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>

namespace herald {

class Asks {
  public:
    static constexpr size_t kWindow = 64;

    // The answer's bytes, or nullptr: the sidecar is gone. The string lives during the call. May
    // ask again, and cancel.
    using Answered = std::function<void(const std::string* answer)>;
    using Send = std::function<void(std::string frames)>;  // must not call back

    // `send` is given frames while `open`.
    explicit Asks(Send send) : send_(std::move(send)) {}

    // Asks, and returns the question's number, never 0. Only while open.
    uint64_t ask(std::string question, Answered answered);
    // Whoever asked is gone: the answer will not be told. Numbers that are no longer known are fine.
    void cancel(uint64_t number);

    // The connection is there; is gone.
    void open();
    void close();
    bool is_open() const { return open_; }

    // A frame of type Answer has come; false where it makes no sense.
    bool take(std::string_view payload);

  private:
    struct Question {
        Answered answered{};  // empty: cancelled
        std::string answer{};
    };
    void send_next();

    Send send_;
    bool open_ = false;
    uint64_t next_ = 1;
    std::unordered_map<uint64_t, Question> asked_;  // with the sidecar, or waiting
    std::deque<std::pair<uint64_t, std::string>> waiting_;
    size_t with_sidecar_ = 0;
};

}  // namespace herald
