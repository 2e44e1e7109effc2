// Questions and answers over the control socket, with workers that are slow, greedy or gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "control_worker.hpp"
#include "ring/writer.hpp"
#include "sidecar/control_server.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

struct Asked {
    PeerId peer = 0;
    uint64_t number = 0;
    std::string bytes{};
};

class ControlQuestionsTest : public testing::Test, private Questions {
  protected:
    static constexpr size_t kMaxMessage = 1 << 20;

    ControlQuestionsTest()
        : server_(std::make_unique<ControlServer>(loop_.get(), path_, std::vector<uid_t>{},
                                                  RingHandle{ring_.fd(), ring_.map_size()},
                                                  doorbells_)) {
        serve({});
    }

    void serve(AnswerLimits limits) {
        server_->serve(*this, QuestionLimits::for_messages(kMaxMessage), limits);
    }

    void on_question(PeerId peer, uint64_t number, std::string bytes) override {
        asked_.push_back({peer, number, std::move(bytes)});
        if (at_once_)
            server_->answer(peer, number, "at once");
    }

    // Lets both sides do what they can without waiting.
    void turn() { uv_run(loop_.get(), UV_RUN_NOWAIT); }
    template <class Worker>
    void turns(Worker& worker) {
        for (int i = 0; i < 20; ++i) {
            turn();
            worker.receive();
        }
    }
    // What a worker is told for asking like this.
    std::string refusal_of(const std::string& frames) {
        ControlWorker worker(path_);
        worker.send(frames);
        for (int i = 0; i < 5000 && !worker.is_closed(); ++i)
            turns(worker);
        EXPECT_EQ(worker.fault(), "");
        return worker.is_closed() ? worker.refusal() : "not refused";
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "herald.sock";
    ring::Writer ring_{ring::WriterOptions{.capacity = 65536}};
    Loop loop_{};
    Doorbells doorbells_{};
    std::unique_ptr<ControlServer> server_;
    std::vector<Asked> asked_{};
    bool at_once_ = false;
};

TEST_F(ControlQuestionsTest, AnswersAQuestionUnderItsNumber) {
    ControlWorker worker(path_);
    worker.ask(7, "why?");
    turns(worker);
    ASSERT_THAT(asked_, SizeIs(1));
    EXPECT_EQ(asked_[0].number, 7u);
    EXPECT_EQ(asked_[0].bytes, "why?");

    server_->answer(asked_[0].peer, 7, "because");
    turns(worker);
    EXPECT_THAT(worker.answers(), ElementsAre(Pair(7, "because")));
    EXPECT_EQ(worker.fault(), "");
}

TEST_F(ControlQuestionsTest, AnswersFromWithinTheQuestion) {
    at_once_ = true;
    ControlWorker worker(path_);
    for (uint64_t number = 1; number <= 200; ++number) {
        worker.ask(number, "?");
        turns(worker);
    }
    EXPECT_THAT(worker.answers(), SizeIs(200));
    EXPECT_EQ(worker.refusal(), "");
}

TEST_F(ControlQuestionsTest, TakesEmptyQuestionsAndGivesEmptyAnswers) {
    ControlWorker worker(path_);
    worker.ask(1, "");
    turns(worker);
    ASSERT_THAT(asked_, SizeIs(1));
    server_->answer(asked_[0].peer, 1, "");
    turns(worker);
    EXPECT_THAT(worker.answers(), ElementsAre(Pair(1, "")));
}

TEST_F(ControlQuestionsTest, PutsAQuestionOfManyFramesTogether) {
    std::string question(kMaxMessage, 'q');
    for (size_t i = 0; i < question.size(); i += 1000)
        question[i] = static_cast<char>('a' + i / 1000 % 26);
    ControlWorker worker(path_);
    worker.ask(1, question);
    for (int i = 0; i < 1000 && asked_.empty(); ++i)
        turns(worker);
    ASSERT_THAT(asked_, SizeIs(1));
    EXPECT_TRUE(asked_[0].bytes == question);
}

TEST_F(ControlQuestionsTest, TakesQuestionsWhoseFramesAreMixedAndCutAnywhere) {
    const std::string bytes = ask_part(1, "one ", false) + ask_part(2, "two ", false) +
                              ask_part(1, "and on ", false) + ask_part(2, "end", true) +
                              ask_part(1, "end", true);
    ControlWorker worker(path_);
    for (char c : bytes) {
        worker.send({&c, 1});
        turn();
    }
    turns(worker);
    ASSERT_THAT(asked_, SizeIs(2));
    EXPECT_EQ(asked_[0].number, 2u);
    EXPECT_EQ(asked_[0].bytes, "two end");
    EXPECT_EQ(asked_[1].number, 1u);
    EXPECT_EQ(asked_[1].bytes, "one and on end");
}

TEST_F(ControlQuestionsTest, GivesASlowReaderAWholeAnswerAndTheNextOnesBehindIt) {
    std::string big(5 << 20, 'b');
    for (size_t i = 0; i < big.size(); i += 4096)
        big[i] = static_cast<char>('a' + i / 4096 % 26);
    ControlWorker worker(path_);
    worker.ask(1, "big");
    worker.ask(2, "small");
    turn();
    turns(worker);
    ASSERT_THAT(asked_, SizeIs(2));
    server_->answer(asked_[0].peer, 1, big);
    server_->answer(asked_[0].peer, 2, "small");

    for (int i = 0; i < 10'000 && worker.answers().size() < 2; ++i) {
        turn();
        worker.receive(3000);
    }
    ASSERT_THAT(worker.answers(), SizeIs(2));
    EXPECT_TRUE(worker.answers().at(1) == big);
    EXPECT_EQ(worker.answers().at(2), "small");
    EXPECT_EQ(worker.fault(), "");
}

TEST_F(ControlQuestionsTest, GoesOnTakingQuestionsWhileAnAnswerWaits) {
    ControlWorker worker(path_);
    worker.ask(1, "big");
    turns(worker);
    server_->answer(asked_.at(0).peer, 1, std::string(5 << 20, 'b'));
    turn();
    worker.ask(2, "more");
    for (int i = 0; i < 20; ++i)
        turn();
    EXPECT_THAT(asked_, SizeIs(2));
}

TEST_F(ControlQuestionsTest, DropsAnswersToWorkersThatAreGone) {
    PeerId gone = 0;
    {
        ControlWorker worker(path_);
        worker.ask(1, "?");
        turns(worker);
        gone = asked_.at(0).peer;
        server_->answer(gone, 1, std::string(5 << 20, 'b'));
        turn();
    }
    // It has died with an answer half sent, and nobody has noticed yet.
    server_->answer(gone, 2, "?");
    for (int i = 0; i < 20; ++i)
        turn();
    server_->answer(gone, 1, "too late");

    ControlWorker next(path_);
    next.ask(1, "?");
    turns(next);
    ASSERT_THAT(asked_, SizeIs(2));
    EXPECT_NE(asked_[1].peer, gone);
    server_->answer(gone, 1, "too late");
    turns(next);
    EXPECT_TRUE(next.answers().empty());
}

TEST_F(ControlQuestionsTest, DropsAnswersThatNobodyAskedForOrThatComeTwice) {
    ControlWorker worker(path_);
    worker.ask(1, "?");
    worker.send(ask_part(2, "not whole", false));
    turns(worker);
    const PeerId peer = asked_.at(0).peer;
    server_->answer(peer, 2, "too early");
    server_->answer(peer, 3, "not asked");
    server_->answer(peer, 1, "once");
    server_->answer(peer, 1, "twice");
    turns(worker);
    EXPECT_THAT(worker.answers(), ElementsAre(Pair(1, "once")));
    EXPECT_EQ(worker.fault(), "");
}

TEST_F(ControlQuestionsTest, LetsAWorkerHaveSixtyFourQuestionsUnderWay) {
    ControlWorker worker(path_);
    for (uint64_t number = 1; number <= 64; ++number)
        worker.ask(number, "?");
    turns(worker);
    ASSERT_THAT(asked_, SizeIs(64));
    server_->answer(asked_[0].peer, 1, "one less");
    worker.ask(65, "?");
    turns(worker);
    EXPECT_THAT(asked_, SizeIs(65));
    EXPECT_FALSE(worker.is_closed());

    worker.ask(66, "?");
    turns(worker);
    EXPECT_TRUE(worker.is_closed());
    EXPECT_EQ(worker.refusal(), "more than 64 questions under way");
}

TEST_F(ControlQuestionsTest, CountsAQuestionUntilItsAnswerIsTaken) {
    ControlWorker worker(path_);
    for (uint64_t number = 1; number <= 64; ++number)
        worker.ask(number, "?");
    turns(worker);
    server_->answer(asked_.at(0).peer, 1, std::string(5 << 20, 'b'));
    turn();
    worker.ask(65, "?");
    for (int i = 0; i < 20; ++i)
        turn();
    EXPECT_THAT(asked_, SizeIs(64));
}

TEST_F(ControlQuestionsTest, RefusesTooMuchWithAReason) {
    const size_t most = kMaxMessage + 65536;
    std::string frames;
    ring::control::append_message(frames, ring::control::Type::Ask, 1, std::string(most + 1, 'x'));
    EXPECT_EQ(refusal_of(frames), "question of more than 1114112 bytes");

    frames.clear();
    const std::string part(ring::control::kMaxPart, 'x');
    for (uint64_t i = 0; i < 4 * most / part.size() + 1; ++i)
        frames += ask_part(i % 5, part, false);
    EXPECT_EQ(refusal_of(frames), "more than 4456448 bytes of questions that are not complete");

    frames.clear();
    for (uint64_t number = 1; number <= 65; ++number)
        frames += ask_part(number, "", false);
    EXPECT_EQ(refusal_of(frames), "more than 64 questions under way");
    EXPECT_TRUE(asked_.empty());
}

TEST_F(ControlQuestionsTest, RefusesWhatIsNoQuestion) {
    EXPECT_EQ(refusal_of(ring::control::frame(ring::control::Type::Ask, uint64_t{1})),
              "Ask of 8 bytes, expected at least 16");
    EXPECT_THAT(
        refusal_of(ring::control::frame(ring::control::Type::Ask, ring::control::Part{1, 2, 0})),
        HasSubstr("malformed Ask"));
    EXPECT_THAT(
        refusal_of(ring::control::frame(ring::control::Type::Ask, ring::control::Part{1, 1, 9})),
        HasSubstr("malformed Ask"));
    EXPECT_EQ(
        refusal_of(ring::control::frame(ring::control::Type::Answer, ring::control::Part{1, 1, 0})),
        "unexpected frame of type 5");
    EXPECT_TRUE(asked_.empty());
}

TEST_F(ControlQuestionsTest, RefusesANumberThatIsAskedAlready) {
    std::string frames;
    ring::control::append_message(frames, ring::control::Type::Ask, 3, "?");
    EXPECT_EQ(refusal_of(frames + frames), "question 3 is asked already");
}

TEST_F(ControlQuestionsTest, RefusesQuestionsBeforeHello) {
    const Fd stranger = connect_to(path_);
    const std::string frame = ask_part(1, "?", true);
    ASSERT_EQ(write(stranger.get(), frame.data(), frame.size()),
              static_cast<ssize_t>(frame.size()));
    for (int i = 0; i < 10; ++i)
        turn();
    char bytes[256];
    const ssize_t got = recv(stranger.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    ASSERT_GT(got, 0);
    EXPECT_THAT(std::string(bytes, static_cast<size_t>(got)),
                HasSubstr("unexpected frame of type 4"));
}

TEST_F(ControlQuestionsTest, GivesUpAWorkerThatTakesNothingWhileTooMuchWaits) {
    serve({.max_waiting = 1 << 20, .stalled_ms = 1});
    ControlWorker worker(path_);
    worker.ask(1, "?");
    worker.ask(2, "?");
    turns(worker);
    const PeerId peer = asked_.at(0).peer;
    server_->answer(peer, 1, std::string(1 << 19, 'x'));  // as much may wait
    server_->answer(peer, 2, std::string(4 << 20, 'x'));
    for (int i = 0; i < 10'000 && !worker.is_hung_up(1); ++i)
        turn();
    worker.receive();
    EXPECT_TRUE(worker.is_closed());
    // The stream ends inside of an answer; no other frame was pushed into it.
    EXPECT_EQ(worker.fault(), "");
    EXPECT_EQ(worker.refusal(), "");
}

TEST_F(ControlQuestionsTest, LetsAWorkerAloneThatTakesNothingWhileLittleWaits) {
    serve({.max_waiting = 8 << 20, .stalled_ms = 1});
    ControlWorker worker(path_);
    worker.ask(1, "?");
    turns(worker);
    server_->answer(asked_.at(0).peer, 1, std::string(4 << 20, 'x'));
    for (int i = 0; i < 50; ++i) {
        turn();
        ASSERT_FALSE(worker.is_hung_up(1));
    }
    for (int i = 0; i < 1000 && worker.answers().empty(); ++i)
        turns(worker);
    EXPECT_THAT(worker.answers(), SizeIs(1));
}

}  // namespace
}  // namespace herald::sidecar
