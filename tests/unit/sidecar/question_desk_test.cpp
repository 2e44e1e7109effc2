// From a worker's question to its answer, through the control socket.
#include "sidecar/question_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "control_worker.hpp"
#include "fake_store.hpp"
#include "journal_lines.hpp"
#include "ring/writer.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar {
namespace {

namespace questions = ring::questions;

class FakeIntake final : public EventIntake {
  public:
    void publish(std::string channel, std::string data, Answered then) override {
        events.emplace_back(std::move(channel), std::move(data));
        answered = std::move(then);
    }
    std::vector<std::pair<std::string, std::string>> events{};
    Answered answered{};
};

class QuestionDeskTest : public testing::Test {
  protected:
    QuestionDeskTest() { server_.serve(*desk_, QuestionLimits::for_messages(1 << 20)); }

    // Runs the loop until the question is answered. Waits for as long as that takes.
    std::string await_answer(uint64_t number) {
        worker_.receive();
        while (worker_.answers().count(number) == 0 && !worker_.is_closed()) {
            uv_run(loop_.get(), UV_RUN_ONCE);
            worker_.receive();
        }
        EXPECT_EQ(worker_.refusal(), "");
        EXPECT_EQ(worker_.fault(), "");
        return worker_.answers().at(number);
    }
    questions::HistoryStatus history_status_of(uint64_t number) {
        const std::string answer = await_answer(number);
        std::string_view bytes = answer;
        questions::HistoryAnswer header;
        EXPECT_TRUE(questions::take_bytes(bytes, header));
        EXPECT_TRUE(bytes.empty());
        return header.status;
    }
    void take_questions() {
        while (intake_.events.empty())
            uv_run(loop_.get(), UV_RUN_ONCE);
    }

    TemporaryDirectory directory_{};
    ring::Writer ring_{ring::WriterOptions{.capacity = 65536}};
    JournalLines journal_{};
    FakeStore store_{};
    FakeIntake intake_{};
    Loop loop_{};
    Doorbells doorbells_{};
    ControlServer server_{loop_.get(), directory_ / "herald.sock", std::vector<uid_t>{},
                          RingHandle{ring_.fd(), ring_.map_size()}, doorbells_};
    HistoryService history_{loop_.get(), store_, journal_.segments()};
    std::unique_ptr<QuestionDesk> desk_ =
        std::make_unique<QuestionDesk>(server_, history_, intake_);
    ControlWorker worker_{directory_ / "herald.sock"};
};

TEST_F(QuestionDeskTest, HasHistoryAnswered) {
    journal_.append(1, 4);
    questions::HistoryQuestion question;
    question.range.up_to_seq = 4;
    question.channels = {"jobs:1"};
    worker_.ask(1, questions::encode(question));
    EXPECT_EQ(await_answer(1), "4");
}

TEST_F(QuestionDeskTest, BoundsTheBytesOfAnAnswer) {
    questions::HistoryQuestion question;
    question.range.max_bytes = UINT32_MAX;
    question.channels = {"jobs:1"};
    worker_.ask(1, questions::encode(question));
    await_answer(1);
    EXPECT_EQ(store_.state().last_question.range.max_bytes, 1u << 20);

    question.range.max_bytes = 4096;
    worker_.ask(2, questions::encode(question));
    await_answer(2);
    EXPECT_EQ(store_.state().last_question.range.max_bytes, 4096u);
}

TEST_F(QuestionDeskTest, AnswersWhatDoesNotDecode) {
    questions::HistoryQuestion question;
    question.channels = {"jobs:1"};
    const std::string whole = questions::encode(question);
    worker_.ask(1, whole.substr(0, whole.size() - 1));
    worker_.ask(2, whole + "x");
    worker_.ask(3, "");
    worker_.ask(4, std::string(64, '\xff'));
    for (uint64_t number = 1; number <= 4; ++number)
        EXPECT_EQ(history_status_of(number), questions::HistoryStatus::Malformed) << number;
    EXPECT_EQ(store_.state().asked, 0);
}

TEST_F(QuestionDeskTest, HasEventsPublished) {
    worker_.ask(1, questions::encode_publish("jobs:1", "{\"n\":1}"));
    take_questions();
    EXPECT_THAT(intake_.events, testing::ElementsAre(testing::Pair("jobs:1", "{\"n\":1}")));
    questions::PublishAnswer accepted;
    accepted.status = questions::PublishStatus::Accepted;
    accepted.log = 7;
    accepted.seq = 42;
    intake_.answered(accepted, "");

    const std::string answer = await_answer(1);
    std::string_view bytes = answer;
    questions::PublishAnswer got;
    ASSERT_TRUE(questions::take_bytes(bytes, got));
    EXPECT_EQ(got.status, questions::PublishStatus::Accepted);
    EXPECT_EQ(got.log, 7u);
    EXPECT_EQ(got.seq, 42u);
    EXPECT_EQ(bytes, "");
}

TEST_F(QuestionDeskTest, PassesOnWhyAnEventWasNotTaken) {
    worker_.ask(1, questions::encode_publish("jobs:1", "{"));
    take_questions();
    questions::PublishAnswer refused;
    refused.status = questions::PublishStatus::Malformed;
    intake_.answered(refused, "not JSON");
    EXPECT_EQ(await_answer(1).substr(sizeof refused), "not JSON");
}

TEST_F(QuestionDeskTest, PublishesNothingThatDoesNotDecode) {
    std::string question;
    questions::append_bytes(question, questions::Kind::Publish);
    questions::append_bytes(question, uint32_t{100});
    worker_.ask(1, question + "short");
    const std::string answer = await_answer(1);
    std::string_view bytes = answer;
    questions::PublishAnswer got;
    ASSERT_TRUE(questions::take_bytes(bytes, got));
    EXPECT_EQ(got.status, questions::PublishStatus::Malformed);
    EXPECT_TRUE(intake_.events.empty());
}

TEST_F(QuestionDeskTest, DoesNotListenToAnswersAfterItsEnd) {
    worker_.ask(1, questions::encode_publish("jobs:1", "1"));
    take_questions();
    desk_.reset();
    intake_.answered({}, "too late");
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    worker_.receive();
    EXPECT_TRUE(worker_.answers().empty());
}

}  // namespace
}  // namespace herald::sidecar
