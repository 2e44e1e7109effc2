// Polls between the loop and the thread that reads the table.
#include "sidecar/postgres/table_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "../journal_lines.hpp"
#include "../run_until.hpp"
#include "../temporary_directory.hpp"
#include "history_fixture.hpp"
#include "sidecar/files.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar::postgres {
namespace {

using ring::questions::HistoryQuestion;
using ring::questions::HistoryStatus;
using testing::ElementsAre;
using testing::IsEmpty;

class TableHistoryTest : public testing::Test {
  protected:
    ~TableHistoryTest() override {
        if (history_)
            history_->stop();
    }

    void start(uint64_t within_ms = 30'000) {
        history_ = std::make_unique<TableHistory>(loop_.get(), feed_, config_, database_,
                                                  journal_.segments(), directory_ / "", within_ms);
        history_->start([this] {
            HistoryProgress progress{table_seq_, failing_, std::nullopt};
            if (fits_)
                progress.schema = HistorySchema{"data", false, true};
            return progress;
        });
    }

    void ask(uint64_t seq, const std::string& channel = "jobs:1") {
        HistoryQuestion question = poll_of();
        question.range.up_to_seq = seq;
        question.channels = {channel};
        history_->ask(std::move(question), [this](const std::string& answer) {
            statuses_.push_back(read_answer(answer).head.status);
            last_ = read_answer(answer);
        });
    }
    // Runs the loop until there are as many answers. Waits for as long as that takes.
    void await_answers(size_t count) {
        run_until(loop_.get(), [&] { return statuses_.size() >= count; });
    }
    void get_to(uint64_t seq) {
        table_seq_ = seq;
        history_->visit();
    }

    TemporaryDirectory directory_{};
    Feed feed_ = history_feed();
    PostgresConfig config_{};
    FakeHistory database_{};
    JournalLines journal_{};
    std::atomic<uint64_t> table_seq_{0};
    std::atomic<bool> failing_{false};
    std::atomic<bool> fits_{true};
    Loop loop_{};
    std::vector<HistoryStatus> statuses_{};
    Answered last_{};
    std::unique_ptr<TableHistory> history_{};
};

TEST_F(TableHistoryTest, HasTheChannelsOfItsFeed) {
    start();
    EXPECT_TRUE(history_->has("jobs:1"));
    EXPECT_FALSE(history_->has("other:1"));
}

TEST_F(TableHistoryTest, AnswersOnceTheTableHasWhatTheJournalHad) {
    journal_.append(1, 3);
    database_.rows = {{1, "t", "{}", true}};
    start();
    ask(3);
    ask(2);
    get_to(2);
    await_answers(1);
    EXPECT_THAT(statuses_, ElementsAre(HistoryStatus::Found));  // the second one
    get_to(3);
    await_answers(2);
    EXPECT_THAT(last_.seqs, ElementsAre(1));
}

TEST_F(TableHistoryTest, WaitsForNothingThatIsNotInTheJournal) {
    journal_.append(1, 3);
    start();
    table_seq_ = 3;
    ask(100);
    await_answers(1);
    EXPECT_THAT(statuses_, ElementsAre(HistoryStatus::Found));
}

TEST_F(TableHistoryTest, GivesWhatIsThereWhileTheProjectionFails) {
    journal_.append(1, 3);
    failing_ = true;
    start();
    ask(3);
    await_answers(1);
    EXPECT_THAT(statuses_, ElementsAre(HistoryStatus::Found));
    EXPECT_EQ(last_.head.known, 2u);
}

TEST_F(TableHistoryTest, GivesUpWhenTheTimeIsOver) {
    journal_.append(1, 3);
    start(1);
    ask(3);
    await_answers(1);
    EXPECT_THAT(statuses_, ElementsAre(HistoryStatus::Unavailable));
}

TEST_F(TableHistoryTest, ReadsNothingFromATableThatIsNotKnownToFit) {
    fits_ = false;
    start();
    ask(0);
    await_answers(1);
    EXPECT_THAT(statuses_, ElementsAre(HistoryStatus::Unavailable));
    EXPECT_EQ(database_.connects, 0);
}

TEST_F(TableHistoryTest, AsksAServerThatIsAwayOnceForAllThatWait) {
    database_.at_connect = [] { throw Error("", "Connection refused"); };
    journal_.append(1, 1);
    start();
    for (int i = 0; i < 50; ++i)
        ask(1);
    get_to(1);
    await_answers(50);
    EXPECT_THAT(statuses_, testing::Each(HistoryStatus::Unavailable));
    EXPECT_LT(database_.connects, 50);
}

TEST_F(TableHistoryTest, ConnectsAnewWhenTheServerWasStartedAnew) {
    start();
    ask(0);
    await_answers(1);
    bool first = true;
    database_.at_execute = [&first](const std::string&) {
        if (std::exchange(first, false))
            throw Error("", "server closed the connection unexpectedly");
    };
    ask(0);
    await_answers(2);
    EXPECT_THAT(statuses_, ElementsAre(HistoryStatus::Found, HistoryStatus::Found));
    EXPECT_EQ(database_.connects, 2);
}

TEST_F(TableHistoryTest, DoesNotTryAgainWhatTheServerRefuses) {
    start();
    ask(0);
    await_answers(1);
    database_.at_execute = [](const std::string&) {
        throw Error("57014", "canceling statement due to statement timeout");
    };
    ask(0);
    await_answers(2);
    EXPECT_THAT(statuses_, ElementsAre(HistoryStatus::Found, HistoryStatus::Unavailable));
    EXPECT_EQ(database_.connects, 1);
}

TEST_F(TableHistoryTest, KnowsAChannelByItsFolder) {
    feed_.jsonl = "jobs/{id}/events.jsonl";
    make_directories(directory_ / "jobs/known", 0750);
    start();
    ask(0, "jobs:known");
    await_answers(1);
    EXPECT_EQ(last_.head.known, 1u);
    ask(0, "jobs:unknown");
    await_answers(2);
    EXPECT_EQ(last_.head.known, 0u);
}

TEST_F(TableHistoryTest, EndsWithQuestionsUnanswered) {
    journal_.append(1, 3);
    start();
    ask(3);
    history_.reset();
    EXPECT_THAT(statuses_, IsEmpty());
}

TEST(ReadingConfig, WaitsNoLongerThanAnybodyDoes) {
    PostgresConfig config;
    EXPECT_EQ(reading_config(config).statement_timeout_ms, 5000u);
    EXPECT_EQ(reading_config(config).connect_timeout_ms, 5000u);
    config.statement_timeout_ms = 1000;
    EXPECT_EQ(reading_config(config).statement_timeout_ms, 1000u);
}

}  // namespace
}  // namespace herald::sidecar::postgres
