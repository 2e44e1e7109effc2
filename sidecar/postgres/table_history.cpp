#include "sidecar/postgres/table_history.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "sidecar/log.hpp"
#include "sidecar/side_thread.hpp"

namespace herald::sidecar::postgres {

namespace questions = ring::questions;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLookEvery{500};    // for those whose time is over
constexpr milliseconds kPatience{2000};    // with a projection that fails
constexpr milliseconds kPause{250};        // after a failure
constexpr uint64_t kReadTimeoutMs = 5000;  // to connect, and of a statement

std::string unavailable() {
    return HistoryAnswers::only(questions::HistoryStatus::Unavailable);
}

// A channel that has no row may have a folder already.
void make_known(std::string& bytes) {
    questions::HistoryAnswer head;
    std::memcpy(&head, bytes.data(), sizeof head);
    head.known = 1;
    std::memcpy(bytes.data(), &head, sizeof head);
}

bool is_known(const std::string& bytes) {
    questions::HistoryAnswer head;
    std::memcpy(&head, bytes.data(), sizeof head);
    return head.known == 1;
}

}  // namespace

PostgresConfig reading_config(PostgresConfig config) {
    config.connect_timeout_ms = std::min(config.connect_timeout_ms, kReadTimeoutMs);
    config.statement_timeout_ms = std::min(config.statement_timeout_ms, kReadTimeoutMs);
    return config;
}

TableHistory::TableHistory(uv_loop_t* loop, const Feed& feed, const PostgresConfig& config,
                           Database& database, const Segments& segments, const std::string& state,
                           uint64_t within_ms)
    : feed_(feed),
      database_(database),
      segments_(segments),
      folders_(state, {feed}),
      reader_(feed, config),
      answers_(loop, within_ms) {}

void TableHistory::start(Progress progress) {
    progress_ = std::move(progress);
    const SignalsBlocked blocked;
    thread_ = std::thread([this]() noexcept { run(); });
}

void TableHistory::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable())
        thread_.join();
}

// -- the loop, and the projection's thread

void TableHistory::ask(questions::HistoryQuestion question, HistoryAnswers::Answered answered) {
    const uint64_t seq = std::min(question.range.up_to_seq, segments_.last_seq());
    auto asked = answers_.add(std::move(question), seq, std::move(answered));
    const uint64_t number = asked->number;
    {
        const std::lock_guard lock(mutex_);
        if (asked_.size() < ProjectionThread::kMaxJobs)
            asked_.push_back(std::move(asked));
    }
    if (asked)
        return answers_.give(number, unavailable());
    changed_.notify_one();
}

bool TableHistory::visit() {
    bool is_wanted = false;
    {
        const std::lock_guard lock(mutex_);
        news_ = true;
        is_wanted = wants_news_;
    }
    if (is_wanted)
        changed_.notify_one();
    return false;
}

// -- the thread

void TableHistory::run() noexcept {
    begin_side_thread("history/" + feed_.name, Niceness::Soon);
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wants_news_ = !waiting_.empty();
            changed_.wait_for(lock, kLookEvery, [this] {
                return stopping_ || !asked_.empty() || (news_ && wants_news_);
            });
            if (stopping_)
                return;
            news_ = wants_news_ = false;
        }
        try {
            take_asked();
            serve();
        } catch (const std::exception& error) {
            // Out of memory; the loop answers those that wait when their time is over.
            log::error(log::Line("history from postgres fails")
                           .with("feed", feed_.name)
                           .with("reason", error.what()));
        }
    }
}

void TableHistory::take_asked() {
    const std::lock_guard lock(mutex_);
    for (auto& asked : asked_)
        waiting_.push_back({std::move(asked), Clock::now()});
    asked_.clear();
}

void TableHistory::serve() {
    if (waiting_.empty())
        return;
    const HistoryProgress progress = progress_();
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        const std::shared_ptr<Asked> asked = next->asked;
        const bool gone = asked->given_up.load(std::memory_order_relaxed);
        if (!gone && has_to_wait(*next, progress)) {
            ++next;
            continue;
        }
        next = waiting_.erase(next);
        if (!gone)
            answer(*asked, progress);
    }
}

// A projection also fails for a moment where its connection was cut while it was idle. Nobody
// waits for it while the server has nothing to say to readers either.
bool TableHistory::has_to_wait(const Waiting& waiting, const HistoryProgress& progress) const {
    if (progress.seq >= how_far(*waiting.asked))
        return false;
    if (!progress.failing)
        return true;
    return progress.schema && !failing_ && Clock::now() - waiting.since < kPatience;
}

// The journal may have gone back since.
uint64_t TableHistory::how_far(const Asked& asked) const {
    return std::min(asked.seq, segments_.last_seq());
}

void TableHistory::answer(const Asked& asked, const HistoryProgress& progress) {
    if (!progress.schema || Clock::now() < not_before_)
        return answers_.give(asked.number, unavailable());
    const bool is_reused = connection_ != nullptr;
    for (bool again = is_reused;; again = false) {
        try {
            std::string bytes = read(asked, *progress.schema, progress.seq >= how_far(asked));
            recover();
            return answers_.give(asked.number, std::move(bytes));
        } catch (const HistoryReader::GivenUp&) {
            return connection_.reset();
        } catch (const Stopped&) {
            return connection_.reset();
        } catch (const Error& error) {
            connection_.reset();
            // The server was started anew since the connection was used last.
            if (again && error.sqlstate().empty() && !asked.given_up.load())
                continue;
            fail(error.what());
        } catch (const std::exception& error) {
            connection_.reset();
            fail(error.what());
        }
        return answers_.give(asked.number, unavailable());
    }
}

std::string TableHistory::read(const Asked& asked, const HistorySchema& schema, bool is_whole) {
    if (connection_ == nullptr)
        connection_ = database_.connect();
    std::string bytes =
        reader_.answer(*connection_, schema, asked.question, is_whole, asked.given_up);
    if (!is_known(bytes) && folders_.exists(asked.question.channels.front()))
        make_known(bytes);
    return bytes;
}

void TableHistory::fail(const std::string& reason) {
    not_before_ = Clock::now() + kPause;
    if (std::exchange(failing_, true))
        return;
    log::error(
        log::Line("history from postgres fails").with("feed", feed_.name).with("reason", reason));
}

void TableHistory::recover() {
    if (std::exchange(failing_, false))
        log::info(log::Line("history from postgres works again").with("feed", feed_.name));
}

}  // namespace herald::sidecar::postgres
