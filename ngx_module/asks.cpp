// Numbers, the window, and answers put together from their frames; see asks.hpp.
#include "asks.hpp"

#include "ring/control.hpp"

namespace herald {

namespace control = ring::control;

uint64_t Asks::ask(std::string question, Answered answered) {
    if (!open_)
        return 0;
    const uint64_t number = next_++;
    asked_[number].answered = std::move(answered);
    waiting_.emplace(number, std::move(question));
    send_next();
    return number;
}

void Asks::cancel(uint64_t number) {
    const auto found = asked_.find(number);
    if (found == asked_.end())
        return;
    if (waiting_.erase(number) != 0) {
        asked_.erase(found);
        return;
    }
    found->second = Question{};
}

void Asks::close() {
    open_ = false;
    with_sidecar_ = 0;
    waiting_.clear();
    // One at a time: being told, one may cancel others.
    while (!asked_.empty()) {
        const Answered answered = std::move(asked_.begin()->second.answered);
        asked_.erase(asked_.begin());
        if (answered)
            answered(nullptr);
    }
}

bool Asks::take(std::string_view payload) {
    control::Part part;
    std::string_view bytes;
    if (!control::decode_part(payload, part, bytes) || part.last > 1)
        return false;
    const auto found = asked_.find(part.number);
    if (found == asked_.end())
        return true;
    Question& question = found->second;
    if (waiting_.contains(part.number) || bytes.size() > kMaxAnswer - question.answer.size())
        return false;
    if (question.answered)
        question.answer.append(bytes);
    if (part.last == 0)
        return true;

    Question done = std::move(question);
    asked_.erase(found);
    --with_sidecar_;
    send_next();
    if (done.answered)
        done.answered(&done.answer);
    return true;
}

void Asks::send_next() {
    std::string frames;
    while (with_sidecar_ < kWindow && !waiting_.empty()) {
        const auto first = waiting_.begin();
        control::append_message(frames, control::Type::Ask, first->first, first->second);
        waiting_.erase(first);
        ++with_sidecar_;
    }
    if (!frames.empty())
        send_(std::move(frames));
}

}  // namespace herald
