// The two halves of the service: the loop's, and what the index's thread does between its slices.
#include "sidecar/history_service.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace questions = ring::questions;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kVisit{20};  // then entries are applied again
constexpr milliseconds kLookEvery{1000};

std::string unavailable() {
    std::string bytes;
    questions::append_bytes(bytes, questions::HistoryAnswer{questions::HistoryStatus::Unavailable});
    return bytes;
}

}  // namespace

HistoryService::HistoryService(uv_loop_t* loop, HistoryStore& store, Segments& segments,
                               uint64_t within_ms)
    : loop_(loop),
      store_(store),
      segments_(segments),
      within_ms_(within_ms),
      answers_ready_(make_handle<uv_async_t>(
          this, "wait for answers",
          [loop](uv_async_t* async) {
              return uv_async_init(loop, async, [](uv_async_t* ready) noexcept {
                  owner_of<HistoryService>(ready).take_answers();
              });
          })),
      deadline_(make_timer(loop, this)),
      thread_(store, segments, this) {}

// -- the loop's thread

void HistoryService::ask(questions::HistoryQuestion question, Answered answered) {
    auto asked = std::make_shared<Asked>();
    asked->number = ++last_number_;
    asked->question = std::move(question);
    // Ahead of the journal are only workers that read what it could not write: they get what there
    // is, and see from the answer how far that goes.
    asked->seq = std::min(asked->question.range.up_to_seq, segments_.last_seq());

    uv_update_time(loop_);
    pending_[asked->number] = {asked, std::move(answered), uv_now(loop_) + within_ms_};
    set_deadline();
    if (!thread_.post([this, asked] { waiting_.push_back(asked); }))
        give(asked->number, unavailable());
}

void HistoryService::take_answers() noexcept {
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

void HistoryService::give_up_late() noexcept {
    const uint64_t now = uv_now(loop_);
    while (!pending_.empty() && pending_.begin()->second.deadline_ms <= now)
        finish(pending_.begin(), unavailable());
    set_deadline();
}

void HistoryService::finish(std::map<uint64_t, Pending>::iterator pending,
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

void HistoryService::set_deadline() noexcept {
    if (pending_.empty()) {
        uv_timer_stop(deadline_.get());
        return;
    }
    const uint64_t first = pending_.begin()->second.deadline_ms;
    const uint64_t now = uv_now(loop_);
    uv_timer_start(
        deadline_.get(),
        [](uv_timer_t* timer) noexcept { owner_of<HistoryService>(timer).give_up_late(); },
        first > now ? first - now : 0, 0);
}

// -- the index's thread

bool HistoryService::visit() {
    kept_seq_ = std::max(kept_seq_, thread_.committed_seq());
    if (look_whether_gone())
        return false;
    const auto until = steady_clock::now() + kVisit;
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        if (has_to_wait(**next)) {
            ++next;
            continue;
        }
        const std::shared_ptr<Asked> asked = std::move(*next);
        next = waiting_.erase(next);
        answer(*asked);
        if (steady_clock::now() >= until)
            return next != waiting_.end();
    }
    return false;
}

// Then everybody waits for the new one.
bool HistoryService::look_whether_gone() {
    const auto now = steady_clock::now();
    if (!thread_.is_open() || now - looked_at_ < kLookEvery)
        return false;
    looked_at_ = now;
    if (!store_.is_gone())
        return false;
    log::warn(log::Line("the index was deleted, it is built again from the journal"));
    thread_.reopen();
    return true;
}

bool HistoryService::has_to_wait(const Asked& asked) const {
    return !thread_.is_failing() && !can_answer(asked) &&
           !asked.given_up.load(std::memory_order_relaxed);
}

// The journal may have gone back since the question was asked. Who asks a store that fails gets
// what it has, and sees from the answer how far that goes; but not while it only has to be built
// again.
bool HistoryService::can_answer(const Asked& asked) const {
    if (!thread_.is_open())
        return false;
    const uint64_t applied = thread_.applied_seq();
    return applied >= std::min(asked.seq, segments_.last_seq()) ||
           (thread_.is_failing() && applied >= kept_seq_);
}

void HistoryService::answer(const Asked& asked) {
    if (asked.given_up.load(std::memory_order_relaxed))
        return;
    if (!can_answer(asked))
        return give(asked.number, unavailable());
    std::string bytes;
    try {
        bytes = store_.answer(asked.question);
    } catch (const std::exception&) {
        give(asked.number, unavailable());
        throw;
    }
    give(asked.number, std::move(bytes));
}

void HistoryService::give(uint64_t number, std::string answer) {
    {
        const std::lock_guard lock(mutex_);
        answers_.push_back({number, std::move(answer)});
    }
    uv_async_send(answers_ready_.get());
}

}  // namespace herald::sidecar
