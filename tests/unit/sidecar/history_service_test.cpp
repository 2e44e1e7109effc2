// Questions about the past, between the loop and the index's thread.
#include "sidecar/history_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>

#include "fake_store.hpp"
#include "journal_lines.hpp"
#include "run_until.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar {
namespace {

namespace questions = ring::questions;
using testing::ElementsAre;
using testing::IsEmpty;
using State = FakeStore::State;

class HistoryServiceTest : public testing::Test {
  protected:
    void start(uint64_t within_ms = 30'000) {
        service_ =
            std::make_unique<HistoryService>(loop_.get(), store_, journal_.segments(), within_ms);
    }

    static questions::HistoryQuestion up_to(uint64_t seq) {
        questions::HistoryQuestion question;
        question.range.up_to_seq = seq;
        question.channels = {"jobs:1"};
        return question;
    }

    // "3": the store's answer, when it had got to 3.
    static std::string read(const std::string& answer) {
        std::string_view bytes = answer;
        questions::HistoryAnswer header;
        if (!questions::take_bytes(bytes, header))
            return answer;
        return header.status == questions::HistoryStatus::Unavailable ? "unavailable" : "?";
    }

    void ask(uint64_t seq) {
        service_->ask(up_to(seq),
                      [this](const std::string& answer) { answers_.push_back(read(answer)); });
    }
    // Runs the loop until there are as many answers. Waits for as long as that takes.
    void await_answers(size_t count) {
        run_until(loop_.get(), [&] { return answers_.size() >= count; });
    }

    JournalLines journal_{};
    FakeStore store_{};
    Loop loop_{};
    std::vector<std::string> answers_{};
    std::unique_ptr<HistoryService> service_{};
};

TEST_F(HistoryServiceTest, AnswersFromTheStore) {
    journal_.append(1, 3);
    start();
    ask(3);
    EXPECT_THAT(answers_, IsEmpty());
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("3"));
}

TEST_F(HistoryServiceTest, AnswersInTheOrderOfTheQuestions) {
    journal_.append(1, 3);
    start();
    std::vector<int> order;
    for (int i = 0; i < 100; ++i)
        service_->ask(up_to(3), [&order, i](const std::string&) { order.push_back(i); });
    run_until(loop_.get(), [&] { return order.size() == 100; });
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(HistoryServiceTest, WaitsUntilTheStoreIsAsFarAsTheQuestion) {
    journal_.append(1, 3);
    journal_.pretend(5);
    start();
    ask(5);
    ask(3);
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("3"));
    EXPECT_EQ(store_.state().asked, 1);

    journal_.append(4, 5);
    await_answers(2);
    EXPECT_THAT(answers_, ElementsAre("3", "5"));
}

TEST_F(HistoryServiceTest, WaitsForNoMoreThanTheJournalHas) {
    journal_.append(1, 3);
    start();
    ask(1000);
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("3"));
}

TEST_F(HistoryServiceTest, GivesUpAfterItsTime) {
    journal_.append(1, 3);
    journal_.pretend(5);
    start(20);
    ask(5);
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("unavailable"));

    // What comes later is an answer to nobody.
    journal_.append(4, 5);
    ASSERT_TRUE(store_.await([](const State& s) { return s.seq == 5; }));
    ask(5);
    await_answers(2);
    EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(HistoryServiceTest, GivesUpWhileTheStoreHangs) {
    std::promise<void> go_on;
    store_.on_apply = [&](uint64_t) { go_on.get_future().wait(); };
    journal_.append(1, 1);
    start(20);
    ask(0);
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("unavailable"));
    go_on.set_value();
    service_.reset();
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    EXPECT_EQ(answers_.size(), 1u);
    EXPECT_EQ(store_.state().asked, 0);
}

TEST_F(HistoryServiceTest, SaysAtOnceThatAStoreCannotBeOpened) {
    store_.change([](State& s) { s.open_fails = 1'000'000; });
    journal_.append(1, 3);
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 2; }));
    ask(3);
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("unavailable"));
    EXPECT_TRUE(service_->is_failing());
}

TEST_F(HistoryServiceTest, GivesWhatAFailingStoreHas) {
    journal_.append(1, 3);
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.committed_seq == 3; }));
    store_.change([](State& s) { s.commit_fails = 1'000'000; });
    journal_.append(4, 9);
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 2; }));
    ask(3);
    ask(9);
    await_answers(2);
    EXPECT_THAT(answers_, ElementsAre("3", "3"));
    EXPECT_TRUE(service_->is_failing());
}

// It would say that everything is gone which it is only about to read again.
TEST_F(HistoryServiceTest, GivesNothingOfAFailingStoreThatHadMore) {
    journal_.append(1, 3);
    start();
    ask(3);
    await_answers(1);
    ASSERT_TRUE(store_.await([](const State& s) { return s.committed_seq == 3; }));
    store_.change([](State& s) {
        s.gone = true;
        s.commit_fails = 1'000'000;
    });
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 3; }));
    ask(3);
    await_answers(2);
    EXPECT_EQ(answers_[1], "unavailable");
}

TEST_F(HistoryServiceTest, OpensAStoreAgainThatCouldNotAnswer) {
    journal_.append(1, 3);
    store_.change([](State& s) { s.answer_fails = 1; });
    start();
    ask(3);
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("unavailable"));
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 2 && s.seq == 3; }));
    ask(0);
    await_answers(2);
    EXPECT_EQ(answers_[1], "3");
    EXPECT_EQ(store_.state().asked, 2);
}

TEST_F(HistoryServiceTest, BuildsADeletedStoreAgainBeforeItAnswers) {
    journal_.append(1, 2500);
    store_.change([](State& s) {
        s.committed = {1};
        s.committed_seq = 1;
    });
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.committed_seq == 2500; }));
    store_.change([](State& s) { s.gone = true; });
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 2; }));
    ask(2500);
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("2500"));
    EXPECT_EQ(store_.state().shown.size(), 2500u);
    EXPECT_FALSE(service_->is_failing());
}

TEST_F(HistoryServiceTest, CanBeAskedFromAnAnswer) {
    journal_.append(1, 3);
    start();
    service_->ask(up_to(1), [this](const std::string&) { ask(2); });
    await_answers(1);
    EXPECT_THAT(answers_, ElementsAre("3"));
}

TEST_F(HistoryServiceTest, EndsWithQuestionsThatWait) {
    journal_.append(1, 3);
    journal_.pretend(5);
    start();
    ask(5);
    ask(3);
    ASSERT_TRUE(store_.await([](const State& s) { return s.asked == 1; }));
    service_.reset();
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    EXPECT_THAT(answers_, IsEmpty());
    EXPECT_EQ(store_.state().committed_seq, 3u);
}

TEST_F(HistoryServiceTest, SaysHowFarTheJournalMayBePruned) {
    journal_.append(1, 3);
    start();
    ask(3);
    await_answers(1);
    EXPECT_EQ(service_->applied_seq(), 3u);
    EXPECT_LE(service_->committed_seq(), 3u);
    service_.reset();
    EXPECT_EQ(store_.state().committed_seq, 3u);
}

}  // namespace
}  // namespace herald::sidecar
