// A worker's questions to the sidecar that have not been answered yet (ring/questions.hpp).
//
// At most kWindow are with the sidecar at a time; the others wait their turn here, so that ten
// thousand clients that come at once cost the sidecar no memory. When the connection ends, every
// question ends with it, unanswered.
//
// A question whose asker is gone keeps its place in the window until its answer has come: the
// sidecar is still busy with it. Of the answer nothing is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace herald {

class Asks {
  public:
    static constexpr size_t kWindow = 64;
    static constexpr size_t kMaxAnswer = size_t{1} << 30;  // bytes

    // The answer's bytes, or nullptr: the sidecar is gone. The string lives during the call, and
    // may be moved from. May ask again (after nullptr: not before the next `open`), and cancel.
    using Answered = std::function<void(std::string* answer)>;
    using Send = std::function<void(std::string frames)>;  // must not call back

    // `send` is given frames while `open`.
    explicit Asks(Send send) : send_(std::move(send)) {}

    // Asks, and returns the question's number. While closed: 0, and `answered` is dropped uncalled.
    uint64_t ask(std::string question, Answered answered);
    // Whoever asked is gone: the answer will not be told. Numbers that are no longer known are
    // fine.
    void cancel(uint64_t number);

    // The connection is there; is gone.
    void open() { open_ = true; }
    void close();
    bool is_open() const { return open_; }

    // A frame of type Answer has come; false where it makes no sense: it does not decode, answers
    // what was not asked yet, or is longer than any answer.
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
    std::unordered_map<uint64_t, Question> asked_{};  // with the sidecar, or waiting
    std::map<uint64_t, std::string> waiting_{};       // the older first
    size_t with_sidecar_ = 0;
};

}  // namespace herald
