// Answers and news on their way to one worker, in the order in which they were given, for as long
// as its socket takes no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace herald::sidecar {

class AnswerQueue {
  public:
    void push(uint64_t number, std::string_view answer);
    void push_news(uint64_t number, std::string_view message);

    // Sends what the socket takes; at most about a megabyte at a time, so that a reader who keeps
    // up does not hold the loop. `sent` is told the number of each answer that is gone. Broken: the
    // connection is over.
    enum class Send { Done, More, Broken };
    Send send(int socket, const std::function<void(uint64_t number)>& sent);

    bool empty() const { return answers_.empty(); }
    size_t size() const { return size_; }  // bytes that wait
    // Nothing else can be said on the connection now: a frame has been begun.
    bool is_mid_answer() const { return offset_ != 0; }

  private:
    struct Answer {
        std::optional<uint64_t> number{};  // nothing: news
        std::string frames{};
    };
    std::deque<Answer> answers_{};
    size_t offset_ = 0;  // bytes of the first answer's frames that are gone
    size_t size_ = 0;
};

}  // namespace herald::sidecar
