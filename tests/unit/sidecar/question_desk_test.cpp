// From a worker's question to its answer, through the control socket.
#include "sidecar/question_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "control_worker.hpp"
#include "fake_store.hpp"
#include "journal_lines.hpp"
#include "ring/writer.hpp"
#include "run_until.hpp"
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

class FakeView final : public View {
  public:
    void ask(ViewRequest request, Answered then) override {
        requests.push_back(std::move(request));
        answered = std::move(then);
        if (fails)
            throw std::runtime_error("no view today");
        if (answer)
            answered(*answer);
    }
    std::vector<ViewRequest> requests{};
    std::optional<ViewAnswer> answer{};  // at once; else when the test calls `answered`
    bool fails = false;
    Answered answered{};
};

struct Shown {
    questions::ViewAnswer head{};
    std::string body{};
};

class QuestionDeskTest : public testing::Test {
  protected:
    QuestionDeskTest() {
        views_.add("render", view_);
        server_.serve(*desk_, QuestionLimits::for_messages(1 << 20));
    }

    Shown await_view(uint64_t number) {
        const std::string answer = await_answer(number);
        std::string_view bytes = answer;
        Shown shown;
        EXPECT_TRUE(questions::take_view_answer(bytes, shown.head));
        shown.body = bytes;
        return shown;
    }

    // Runs the loop until the question is answered. Waits for as long as that takes.
    std::string await_answer(uint64_t number) {
        run_until(loop_.get(), [&] {
            worker_.receive();
            return worker_.answers().count(number) != 0 || worker_.is_closed();
        });
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
        run_until(loop_.get(), [this] { return !intake_.events.empty(); });
    }

    TemporaryDirectory directory_{};
    ring::Writer ring_{ring::WriterOptions{.capacity = 65536}};
    JournalLines journal_{};
    FakeStore store_{};
    FakeIntake intake_{};
    FakeView view_{};
    Views views_{};
    Loop loop_{};
    Doorbells doorbells_{};
    ControlServer server_{loop_.get(), directory_ / "herald.sock", std::vector<uid_t>{},
                          RingHandle{ring_.fd(), ring_.map_size()}, doorbells_};
    HistoryService history_{loop_.get(), store_, journal_.segments()};
    std::unique_ptr<QuestionDesk> desk_ =
        std::make_unique<QuestionDesk>(server_, history_, intake_, views_);
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

TEST_F(QuestionDeskTest, AsksForPollsWhereTheChannelsPastIs) {
    struct Elsewhere final : PolledPast {
        bool has(std::string_view channel) const override { return channel == "db:1"; }
        void ask(questions::HistoryQuestion question, HistoryAnswers::Answered answered) override {
            asked.push_back(std::move(question));
            answered("from elsewhere");
        }
        std::vector<questions::HistoryQuestion> asked{};
    } elsewhere;
    QuestionDesk desk(server_, history_, intake_, views_, {&elsewhere});
    server_.serve(desk, QuestionLimits::for_messages(1 << 20));

    journal_.append(1, 4);
    questions::HistoryQuestion question;
    question.range.up_to_seq = 4;
    question.range.max_bytes = UINT32_MAX;
    question.channels = {"db:1"};
    worker_.ask(1, questions::encode(question));
    EXPECT_EQ(await_answer(1), "4");  // a stream's: the index knows its ids
    question.poll.emplace();
    question.poll->after = ring::EventId{7, 8};
    worker_.ask(2, questions::encode(question));
    EXPECT_EQ(await_answer(2), "from elsewhere");
    EXPECT_EQ(elsewhere.asked.at(0).poll, question.poll);
    EXPECT_EQ(elsewhere.asked.at(0).range.max_bytes, 1u << 20);
    question.channels = {"jobs:1"};
    worker_.ask(3, questions::encode(question));
    EXPECT_EQ(await_answer(3), "4");
    server_.serve(*desk_, QuestionLimits::for_messages(1 << 20));
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

questions::ViewQuestion view_question(std::string name = "render") {
    questions::ViewQuestion question;
    question.name = std::move(name);
    return question;
}

TEST_F(QuestionDeskTest, HasViewsAnswered) {
    view_.answer = {200, "{\"jobs\":1}"};
    questions::ViewQuestion question = view_question();
    question.item = "run-7/x";
    question.query = "limit=5";
    worker_.ask(1, questions::encode(question));
    const Shown shown = await_view(1);
    EXPECT_EQ(shown.head.status, questions::ViewStatus::Answered);
    EXPECT_EQ(shown.head.http_status, 200u);
    EXPECT_NE(shown.head.tag, 0u);
    EXPECT_EQ(shown.body, "{\"jobs\":1}");
    ASSERT_EQ(view_.requests.size(), 1u);
    EXPECT_EQ(view_.requests[0].item, "run-7/x");
    EXPECT_EQ(view_.requests[0].query, "limit=5");
    EXPECT_FALSE(view_.requests[0].flush);
}

TEST_F(QuestionDeskTest, SendsNoBodyThatTheClientHas) {
    view_.answer = {200, "{\"jobs\":1}"};
    worker_.ask(1, questions::encode(view_question()));
    const uint64_t tag = await_view(1).head.tag;

    questions::ViewQuestion question = view_question();
    question.tags = {tag + 1, tag};
    worker_.ask(2, questions::encode(question));
    const Shown same = await_view(2);
    EXPECT_EQ(same.head.status, questions::ViewStatus::NotModified);
    EXPECT_EQ(same.head.tag, tag);
    EXPECT_EQ(same.body, "");

    view_.answer = {200, "{\"jobs\":2}"};
    worker_.ask(3, questions::encode(question));
    const Shown other = await_view(3);
    EXPECT_EQ(other.head.status, questions::ViewStatus::Answered);
    EXPECT_EQ(other.body, "{\"jobs\":2}");
}

TEST_F(QuestionDeskTest, AnswersAFlushAlsoWithWhatTheClientHas) {
    view_.answer = {200, "{}"};
    worker_.ask(1, questions::encode(view_question()));
    questions::ViewQuestion question = view_question();
    question.tags = {await_view(1).head.tag};
    question.flush = true;
    worker_.ask(2, questions::encode(question));
    const Shown shown = await_view(2);
    EXPECT_EQ(shown.head.status, questions::ViewStatus::Answered);
    EXPECT_EQ(shown.body, "{}");
    EXPECT_TRUE(view_.requests.back().flush);
}

TEST_F(QuestionDeskTest, KnowsNoViewThatIsNotThere) {
    worker_.ask(1, questions::encode(view_question("nobody")));
    const Shown shown = await_view(1);
    EXPECT_EQ(shown.head.http_status, 404u);
    EXPECT_EQ(shown.head.tag, 0u);
    EXPECT_EQ(shown.body, R"({"detail":"No such view"})");
}

TEST_F(QuestionDeskTest, TagsNothingButAView) {
    view_.answer = {404, R"({"detail":"Run not found"})"};
    worker_.ask(1, questions::encode(view_question()));
    const Shown shown = await_view(1);
    EXPECT_EQ(shown.head.http_status, 404u);
    EXPECT_EQ(shown.head.tag, 0u);
    EXPECT_EQ(shown.body, R"({"detail":"Run not found"})");
}

TEST_F(QuestionDeskTest, SurvivesAViewThatFails) {
    view_.fails = true;
    worker_.ask(1, questions::encode(view_question()));
    EXPECT_EQ(await_view(1).head.http_status, 500u);
}

TEST_F(QuestionDeskTest, BoundsTheBodyOfAView) {
    view_.answer = {200, std::string(questions::kMaxViewBody, 'x')};
    worker_.ask(1, questions::encode(view_question()));
    EXPECT_EQ(await_view(1).body.size(), questions::kMaxViewBody);
    view_.answer->body += 'x';
    worker_.ask(2, questions::encode(view_question()));
    EXPECT_EQ(await_view(2).head.http_status, 500u);
    view_.answer = {304, ""};
    worker_.ask(3, questions::encode(view_question()));
    EXPECT_EQ(await_view(3).head.http_status, 500u);
}

TEST_F(QuestionDeskTest, ToldOfNoViewSaysSo) {
    const std::string whole = questions::encode(view_question());
    worker_.ask(1, whole.substr(0, whole.size() - 1));
    worker_.ask(2, whole + "x");
    EXPECT_EQ(await_view(1).head.status, questions::ViewStatus::Malformed);
    EXPECT_EQ(await_view(2).head.status, questions::ViewStatus::Malformed);
    EXPECT_TRUE(view_.requests.empty());
}

TEST_F(QuestionDeskTest, ListensToNoViewAfterItsEnd) {
    worker_.ask(1, questions::encode(view_question()));
    run_until(loop_.get(), [this] { return !view_.requests.empty(); });
    desk_.reset();
    view_.answered({200, "too late"});
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    worker_.receive();
    EXPECT_TRUE(worker_.answers().empty());
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
