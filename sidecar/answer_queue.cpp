// Frames answers when they are given, and never blocks.
#include "sidecar/answer_queue.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ring/control.hpp"

namespace herald::sidecar {

namespace control = ring::control;

namespace {

constexpr size_t kAtOnce = 1 << 20;  // bytes

std::string frames_of(control::Type type, uint64_t number, std::string_view message) {
    const size_t frames = message.size() / control::kMaxPart + 1;
    std::string bytes;
    bytes.reserve(message.size() + frames * (sizeof(control::FrameHeader) + sizeof(control::Part)));
    control::append_message(bytes, type, number, message);
    return bytes;
}

}  // namespace

void AnswerQueue::push(uint64_t number, std::string_view answer) {
    answers_.push_back({number, frames_of(control::Type::Answer, number, answer)});
    size_ += answers_.back().frames.size();
}

void AnswerQueue::push_news(uint64_t number, std::string_view message) {
    answers_.push_back({std::nullopt, frames_of(control::Type::News, number, message)});
    size_ += answers_.back().frames.size();
}

AnswerQueue::Send AnswerQueue::send(int socket, const std::function<void(uint64_t)>& sent) {
    size_t room = kAtOnce;
    while (!answers_.empty()) {
        const Answer& first = answers_.front();
        const size_t length = std::min(room, first.frames.size() - offset_);
        const ssize_t gone =
            ::send(socket, first.frames.data() + offset_, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (gone < 0 && errno == EINTR)
            continue;
        if (gone < 0)
            return errno == EAGAIN || errno == ENOBUFS ? Send::More : Send::Broken;

        room -= static_cast<size_t>(gone);
        size_ -= static_cast<size_t>(gone);
        offset_ += static_cast<size_t>(gone);
        if (offset_ == first.frames.size()) {
            offset_ = 0;
            if (first.number)
                sent(*first.number);
            answers_.pop_front();
        }
        if (room == 0)
            break;
    }
    return answers_.empty() ? Send::Done : Send::More;
}

}  // namespace herald::sidecar
