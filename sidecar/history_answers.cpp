#include "sidecar/history_answers.hpp"

#include <exception>
#include <utility>

#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace questions = ring::questions;

HistoryAnswers::HistoryAnswers(uv_loop_t* loop, uint64_t within_ms)
    : loop_(loop),
      within_ms_(within_ms),
      ready_(make_handle<uv_async_t>(this, "wait for answers",
                                     [loop](uv_async_t* async) {
                                         return uv_async_init(
                                             loop, async, [](uv_async_t* ready) noexcept {
                                                 owner_of<HistoryAnswers>(ready).take();
                                             });
                                     })),
      deadline_(make_timer(loop, this)) {}

std::string HistoryAnswers::only(questions::HistoryStatus status) {
    std::string bytes;
    questions::append_bytes(bytes, questions::HistoryAnswer{status});
    return bytes;
}

std::shared_ptr<HistoryAnswers::Asked> HistoryAnswers::add(questions::HistoryQuestion question,
                                                           uint64_t seq, Answered answered) {
    auto asked = std::make_shared<Asked>();
    asked->number = ++last_number_;
    asked->question = std::move(question);
    asked->seq = seq;

    uv_update_time(loop_);
    pending_[asked->number] = {asked, std::move(answered), uv_now(loop_) + within_ms_};
    set_deadline();
    return asked;
}

void HistoryAnswers::give(uint64_t number, std::string answer) {
    {
        const std::lock_guard lock(mutex_);
        answers_.push_back({number, std::move(answer)});
    }
    uv_async_send(ready_.get());
}

void HistoryAnswers::take() noexcept {
    std::vector<Answer> answers;
    {
        const std::lock_guard lock(mutex_);
        answers.swap(answers_);
    }
    for (Answer& answer : answers) {
        const auto pending = pending_.find(answer.number);
        if (pending != pending_.end())
            finish(pending, std::move(answer.bytes));
    }
    set_deadline();
}

void HistoryAnswers::give_up_late() noexcept {
    const uint64_t now = uv_now(loop_);
    while (!pending_.empty() && pending_.begin()->second.deadline_ms <= now)
        finish(pending_.begin(), only(questions::HistoryStatus::Unavailable));
    set_deadline();
}

void HistoryAnswers::finish(std::map<uint64_t, Pending>::iterator pending,
                            std::string answer) noexcept {
    pending->second.asked->given_up.store(true, std::memory_order_relaxed);
    const Answered answered = std::move(pending->second.answered);
    pending_.erase(pending);
    try {
        answered(std::move(answer));
    } catch (const std::exception& error) {
        log::error(log::Line("history not answered").with("reason", error.what()));
    }
}

void HistoryAnswers::set_deadline() noexcept {
    if (pending_.empty()) {
        uv_timer_stop(deadline_.get());
        return;
    }
    const uint64_t first = pending_.begin()->second.deadline_ms;
    const uint64_t now = uv_now(loop_);
    uv_timer_start(
        deadline_.get(),
        [](uv_timer_t* timer) noexcept { owner_of<HistoryAnswers>(timer).give_up_late(); },
        first > now ? first - now : 0, 0);
}

}  // namespace herald::sidecar
