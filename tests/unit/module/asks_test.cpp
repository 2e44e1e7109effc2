// Questions to the sidecar: the window, the order, answers in parts, cancelling, and the end.
#include "asks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "ring/control.hpp"

namespace herald {
namespace {

namespace control = ring::control;
using testing::ElementsAre;
using testing::IsEmpty;

// What has been sent, taken apart again.
struct Sent {
    uint64_t number;
    std::string question;
};

class AsksTest : public testing::Test {
  protected:
    void SetUp() override { asks.open(); }

    // Asks, and notes what is answered.
    uint64_t ask(const std::string& question) {
        return asks.ask(question, [this, question](const std::string* answer) {
            told.push_back(question + "=" + (answer != nullptr ? *answer : "null"));
        });
    }

    static std::string part(uint64_t number, std::string_view bytes, uint32_t last) {
        std::string payload;
        const control::Part head{number, last, 0};
        payload.append(reinterpret_cast<const char*>(&head), sizeof head);
        return payload.append(bytes);
    }
    bool answer(uint64_t number, std::string_view bytes) {
        return asks.take(part(number, bytes, 1));
    }

    // Numbers of the questions sent since the last call.
    std::vector<uint64_t> sent_numbers() {
        std::vector<uint64_t> numbers;
        for (const Sent& one : take_sent())
            numbers.push_back(one.number);
        return numbers;
    }

    std::vector<Sent> take_sent() {
        std::vector<Sent> questions;
        std::string_view rest = wire;
        std::string question;
        while (!rest.empty()) {
            control::FrameHeader header;
            std::string_view payload, bytes;
            control::Part head;
            EXPECT_EQ(control::parse(rest, header, payload), control::Parse::Frame);
            EXPECT_EQ(header.type, control::Type::Ask);
            EXPECT_TRUE(control::decode_part(payload, head, bytes));
            rest.remove_prefix(sizeof header + payload.size());
            question.append(bytes);
            if (head.last != 0)
                questions.push_back({head.number, std::exchange(question, {})});
        }
        wire.clear();
        return questions;
    }

    std::string wire;
    std::vector<std::string> told;
    Asks asks{[this](std::string frames) { wire.append(frames); }};
};

TEST_F(AsksTest, SendsAQuestionAtOnce) {
    const uint64_t number = ask("what");
    EXPECT_NE(number, 0u);
    const std::vector<Sent> sent = take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].number, number);
    EXPECT_EQ(sent[0].question, "what");
}

TEST_F(AsksTest, TellsAnswersToWhoeverAskedInWhateverOrderTheyCome) {
    const uint64_t first = ask("a");
    const uint64_t second = ask("b");
    EXPECT_TRUE(answer(second, "2"));
    EXPECT_TRUE(answer(first, "1"));
    EXPECT_THAT(told, ElementsAre("b=2", "a=1"));
}

TEST_F(AsksTest, PutsMixedPartsTogether) {
    const uint64_t first = ask("a");
    const uint64_t second = ask("b");
    EXPECT_TRUE(asks.take(part(first, "1", 0)));
    EXPECT_TRUE(asks.take(part(second, "2", 0)));
    EXPECT_TRUE(asks.take(part(first, "3", 0)));
    EXPECT_THAT(told, IsEmpty());
    EXPECT_TRUE(answer(second, "4"));
    EXPECT_TRUE(answer(first, ""));
    EXPECT_THAT(told, ElementsAre("b=24", "a=13"));
}

TEST_F(AsksTest, CutsALongQuestionIntoFrames) {
    const std::string question(control::kMaxPart * 2 + 1, 'q');
    ask(question);
    EXPECT_EQ(wire.size(),
              3 * (sizeof(control::FrameHeader) + sizeof(control::Part)) + question.size());
    const std::vector<Sent> sent = take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].question, question);
}

TEST_F(AsksTest, KeepsAWindowAndSendsTheOthersInTheirOrder) {
    std::vector<uint64_t> numbers;
    for (size_t i = 0; i < Asks::kWindow + 3; ++i)
        numbers.push_back(ask("q"));
    EXPECT_EQ(sent_numbers(), std::vector(numbers.begin(), numbers.begin() + Asks::kWindow));
    EXPECT_TRUE(answer(numbers[5], ""));
    EXPECT_THAT(sent_numbers(), ElementsAre(numbers[Asks::kWindow]));
    EXPECT_TRUE(answer(numbers[0], ""));
    EXPECT_TRUE(answer(numbers[1], ""));
    EXPECT_THAT(sent_numbers(),
                ElementsAre(numbers[Asks::kWindow + 1], numbers[Asks::kWindow + 2]));
    EXPECT_TRUE(answer(numbers[2], ""));
    EXPECT_THAT(sent_numbers(), IsEmpty());
}

TEST_F(AsksTest, NeverSendsAQuestionThatWasCancelledWhileItWaited) {
    std::vector<uint64_t> numbers;
    for (size_t i = 0; i < Asks::kWindow + 2; ++i)
        numbers.push_back(ask("q"));
    sent_numbers();
    asks.cancel(numbers[Asks::kWindow]);
    EXPECT_TRUE(answer(numbers[0], ""));
    EXPECT_THAT(sent_numbers(), ElementsAre(numbers[Asks::kWindow + 1]));
}

TEST_F(AsksTest, KeepsTheWindowFullOfQuestionsThatWereCancelledAndNotAnsweredYet) {
    std::vector<uint64_t> numbers;
    for (size_t i = 0; i < Asks::kWindow; ++i)
        numbers.push_back(ask("q"));
    sent_numbers();
    for (uint64_t number : numbers)
        asks.cancel(number);
    const uint64_t late = ask("late");
    EXPECT_THAT(sent_numbers(), IsEmpty());
    EXPECT_TRUE(asks.take(part(numbers[0], "x", 0)));
    EXPECT_THAT(sent_numbers(), IsEmpty());
    EXPECT_TRUE(answer(numbers[0], "x"));
    EXPECT_THAT(sent_numbers(), ElementsAre(late));
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(AsksTest, IgnoresAnswersToNumbersThatItDoesNotKnow) {
    EXPECT_TRUE(answer(4711, "x"));
    const uint64_t number = ask("a");
    EXPECT_TRUE(answer(number, "1"));
    EXPECT_TRUE(answer(number, "again"));
    EXPECT_THAT(told, ElementsAre("a=1"));
}

TEST_F(AsksTest, DoesNotCountUnknownAnswersAsRoomInTheWindow) {
    for (size_t i = 0; i < Asks::kWindow + 1; ++i)
        ask("q");
    sent_numbers();
    EXPECT_TRUE(answer(4711, ""));
    EXPECT_THAT(sent_numbers(), IsEmpty());
}

TEST_F(AsksTest, RefusesAnswersThatDoNotDecode) {
    const std::string whole = part(ask("a"), "", 1);
    for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(asks.take(std::string_view(whole).substr(0, size))) << size;
    EXPECT_FALSE(asks.take(part(1, "", 2)));
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(AsksTest, RefusesAnAnswerToWhatItHasNotSentYet) {
    uint64_t last = 0;
    for (size_t i = 0; i < Asks::kWindow + 1; ++i)
        last = ask("q");
    EXPECT_FALSE(answer(last, "prophecy"));
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(AsksTest, TellsEveryQuestionOfTheEnd) {
    for (size_t i = 0; i < Asks::kWindow + 2; ++i)
        ask("q");
    asks.cancel(3);
    asks.close();
    EXPECT_EQ(told, std::vector<std::string>(Asks::kWindow + 1, "q=null"));
    EXPECT_FALSE(asks.is_open());
}

TEST_F(AsksTest, AsksNothingWhileClosed) {
    asks.close();
    sent_numbers();
    EXPECT_EQ(ask("a"), 0u);
    asks.cancel(0);
    EXPECT_THAT(sent_numbers(), IsEmpty());
    asks.open();
    EXPECT_THAT(sent_numbers(), IsEmpty());
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(AsksTest, StartsAfreshAfterTheEnd) {
    std::vector<uint64_t> old;
    for (size_t i = 0; i < Asks::kWindow; ++i)
        old.push_back(ask("old"));
    asks.close();
    asks.open();
    told.clear();
    sent_numbers();
    const uint64_t number = ask("new");
    EXPECT_THAT(sent_numbers(), ElementsAre(number));
    EXPECT_TRUE(answer(old[0], "late"));
    EXPECT_THAT(told, IsEmpty());
    EXPECT_TRUE(answer(number, "1"));
    EXPECT_THAT(told, ElementsAre("new=1"));
}

TEST_F(AsksTest, LetsOneThatIsToldOfTheEndCancelAllOthers) {
    std::vector<uint64_t> numbers;
    int calls = 0;
    for (size_t i = 0; i < Asks::kWindow + 10; ++i) {
        numbers.push_back(asks.ask("q", [&](const std::string* bytes) {
            EXPECT_EQ(bytes, nullptr);
            ++calls;
            for (uint64_t number : numbers)
                asks.cancel(number);
            EXPECT_EQ(ask("again"), 0u);
        }));
    }
    asks.close();
    EXPECT_EQ(calls, 1);
}

TEST_F(AsksTest, LetsTheAnsweredAskAgainAndCancelOthers) {
    std::optional<uint64_t> next;
    const uint64_t other = ask("other");
    const uint64_t first = asks.ask("first", [&](const std::string*) {
        asks.cancel(other);
        next = ask("next");
    });
    sent_numbers();
    EXPECT_TRUE(answer(first, ""));
    ASSERT_TRUE(next);
    EXPECT_THAT(sent_numbers(), ElementsAre(*next));
    EXPECT_TRUE(answer(other, "x"));
    EXPECT_TRUE(answer(*next, "1"));
    EXPECT_THAT(told, ElementsAre("next=1"));
}

TEST_F(AsksTest, LetsTheAnsweredCloseEverything) {
    const uint64_t first = asks.ask("first", [&](const std::string*) { asks.close(); });
    ask("other");
    EXPECT_TRUE(answer(first, ""));
    EXPECT_THAT(told, ElementsAre("other=null"));
}

}  // namespace
}  // namespace herald
