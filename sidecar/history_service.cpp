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
    return HistoryAnswers::only(questions::HistoryStatus::Unavailable);
}

}  // namespace

HistoryService::HistoryService(uv_loop_t* loop, HistoryStore& store, Segments& segments,
                               uint64_t within_ms)
    : store_(store),
      segments_(segments),
      answers_(loop, within_ms),
      thread_(store, segments, this) {}

// -- the loop's thread

void HistoryService::ask(questions::HistoryQuestion question, Answered answered) {
    // Ahead of the journal are only workers that read what it could not write: they get what there
    // is, and see from the answer how far that goes.
    const uint64_t seq = std::min(question.range.up_to_seq, segments_.last_seq());
    const auto asked = answers_.add(std::move(question), seq, std::move(answered));
    if (!thread_.post([this, asked] { waiting_.push_back(asked); }))
        answers_.give(asked->number, unavailable());
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
        return answers_.give(asked.number, unavailable());
    std::string bytes;
    try {
        bytes = store_.answer(asked.question);
    } catch (const std::exception&) {
        answers_.give(asked.number, unavailable());
        throw;
    }
    answers_.give(asked.number, std::move(bytes));
}

}  // namespace herald::sidecar
