// The questions of one worker, put together from the parts in which they come (ring/control.hpp).
//
//   Ask ──▶ coming ──last part──▶ asked ──answer()──▶ answered ──close()──▶ forgotten
//
// What a worker may have under way is bounded, in number and in bytes. A number belongs to its
// question until that is closed, which is when the kernel has taken the last byte of the answer:
// so the answers that wait for a slow reader are bounded as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace herald::sidecar {

// What one worker may have under way.
struct QuestionLimits {
    size_t max_question = 0;  // bytes of one
    size_t max_coming = 0;    // bytes of all that are not complete yet

    // For a sidecar whose events have at most `max_message` bytes.
    static QuestionLimits for_messages(size_t max_message) {
        const size_t one = max_message + (64 << 10);
        return {one, 4 * one};
    }
};

class QuestionInbox {
  public:
    static constexpr size_t kMaxUnderWay = 64;  // questions; Asks::kWindow of the other side

    struct Question {
        uint64_t number = 0;
        std::string bytes{};
    };

    explicit QuestionInbox(QuestionLimits limits) : limits_(limits) {}

    // Takes the payload of an Ask frame. Complete: `question` is whole. Refused: `reason` says why;
    // the connection makes no sense any more.
    enum class Take { Part, Complete, Refused };
    Take take(std::string_view payload, Question& question, std::string& reason);

    // Whether the question waits for an answer, which it has from now on.
    bool answer(uint64_t number);
    void close(uint64_t number);

  private:
    enum class State { Coming, Asked, Answered };
    struct Entry {
        State state = State::Coming;
        std::string bytes{};  // as far as they have come
    };
    std::string find_fault(uint64_t number, size_t length) const;

    QuestionLimits limits_;
    size_t coming_ = 0;  // bytes
    std::unordered_map<uint64_t, Entry> entries_{};
};

}  // namespace herald::sidecar
