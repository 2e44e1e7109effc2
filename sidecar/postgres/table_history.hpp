// Answers the polls of one feed's channels from its table, on a thread and a connection of its own:
// neither the loop nor the table's projection ever waits for a reader, nor another table's polls.
//
//   loop        ask ───────────┐                              ┌──▶ answered
//                              ▼ mutex                        │ async
//   thread                  waiting ── the table has it ──▶ answer
//   projection  visit ─────────┘ (wakes it)
//
// A poll waits until the table has what the journal had when it was asked; where the projection
// fails, and not for a moment alone, it gets what is there. It is answered in any case, at the
// latest after ten seconds, with Unavailable if need be. When a read fails, all that wait are
// answered so, and nothing is tried for a moment: however many ask, a server that is away is asked
// little.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sidecar/channel_folders.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/history_answers.hpp"
#include "sidecar/polled_past.hpp"
#include "sidecar/postgres/config.hpp"
#include "sidecar/postgres/database.hpp"
#include "sidecar/postgres/history_reader.hpp"
#include "sidecar/postgres/interrupt.hpp"
#include "sidecar/projection_thread.hpp"
#include "sidecar/segments.hpp"

namespace herald::sidecar::postgres {

// How far the table is.
struct HistoryProgress {
    uint64_t seq = 0;  // of the newest entry that is in it
    bool failing = false;
    std::optional<HistorySchema> schema{};  // nothing: it is not known to fit
};

// `config` for reads: nobody waits longer than ten seconds for one.
PostgresConfig reading_config(PostgresConfig config);

class TableHistory final : public PolledPast, public ProjectionThread::Visitor {
  public:
    using Progress = std::function<HistoryProgress()>;

    // `feed` has a table with history. The references outlive the object. Throws
    // std::system_error.
    TableHistory(uv_loop_t* loop, const Feed& feed, const PostgresConfig& config,
                 Database& database, const Segments& segments, const std::string& state,
                 uint64_t within_ms = 10'000);
    ~TableHistory() { stop(); }
    TableHistory(const TableHistory&) = delete;
    TableHistory& operator=(const TableHistory&) = delete;

    // Starts the thread, which may call `progress` until `stop` has returned.
    void start(Progress progress);
    void stop() noexcept;

    // -- the loop
    bool has(std::string_view channel) const override { return feed_.channels.matches(channel); }
    void ask(ring::questions::HistoryQuestion question, HistoryAnswers::Answered answered) override;

    // -- the projection's thread
    bool visit() override;

  private:
    using Clock = std::chrono::steady_clock;
    using Asked = HistoryAnswers::Asked;

    struct Waiting {
        std::shared_ptr<Asked> asked{};
        Clock::time_point since{};
    };

    void run() noexcept;
    void take_asked();
    void serve();
    bool has_to_wait(const Waiting& waiting, const HistoryProgress& progress) const;
    uint64_t how_far(const Asked& asked) const;
    void answer(const Asked& asked, const HistoryProgress& progress);
    std::string read(const Asked& asked, const HistorySchema& schema, bool is_whole);
    void fail(const std::string& reason);
    void recover();

    const Feed& feed_;
    Database& database_;
    const Segments& segments_;
    ChannelFolders folders_;
    HistoryReader reader_;
    HistoryAnswers answers_;
    Progress progress_{};

    // -- of the thread
    std::unique_ptr<Connection> connection_{};
    std::list<Waiting> waiting_{};    // in the order in which they were asked
    Clock::time_point not_before_{};  // nothing is tried
    bool failing_ = false;            // to read

    // -- shared
    std::mutex mutex_{};
    std::condition_variable changed_{};
    std::vector<std::shared_ptr<Asked>> asked_{};
    bool news_ = false;        // of the projection
    bool wants_news_ = false;  // some wait for them
    bool stopping_ = false;

    std::thread thread_{};
};

}  // namespace herald::sidecar::postgres
