// From messages to events, and what clients who publish are told.
#include "sidecar/publisher.hpp"

#include <optional>

#include "event_log_fixture.hpp"
#include "fake_redis.hpp"

namespace herald::sidecar {
namespace {

using ring::questions::PublishAnswer;
using ring::questions::PublishStatus;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class PublisherTest : public EventLogFixture {
  protected:
    PublisherTest() {
        redis_.listen();
        config_.redis = parse_redis_url("unix://" + path_);
        config_.feeds.push_back({"runs", ChannelPattern("run:{id}"), "type"});
        config_.feeds.back().end_on = {"done"};
        config_.feeds.push_back({"bare", ChannelPattern("run:")});
        config_.feeds.push_back({"once", ChannelPattern("once:{id}")});
        config_.feeds.back().dedupe = "id";
    }
    ~PublisherTest() override { publisher_.reset(); }

    // As the program does it.
    void start_publisher() {
        start(config_.journal);
        events_ = std::make_unique<EventLog>(loop_->get(), config_, *journal_, doorbells_);
        mapping_ = std::make_unique<ring::Mapping>(events_->ring_fd(), events_->ring_map_size());
        publisher_.emplace(loop_->get(), config_, *events_);
        events_->rebuild(0, [this](const JournalEntry& entry) { publisher_->remember(entry); });
        publisher_->on_connected();
    }
    void stop_publisher() {
        publisher_.reset();
        stop_log();
    }

    // A message for the feed at this place, in a batch of its own.
    void message(size_t feed, const std::string& channel, const std::string& payload) {
        publisher_->on_message({feed, channel, payload});
        events_->commit();
    }

    void publish(const std::string& channel, const std::string& data) {
        publisher_->publish(channel, data, [this](PublishAnswer answer, std::string text) {
            answers_.push_back(answer);
            texts_.push_back(std::move(text));
        });
    }
    void expect_refused(const std::string& channel, const std::string& data, PublishStatus status,
                        const std::string& text) {
        answers_.clear();
        texts_.clear();
        publish(channel, data);
        ASSERT_THAT(answers_, SizeIs(1));
        EXPECT_EQ(answers_[0].status, status);
        EXPECT_EQ(answers_[0].seq, 0u);
        EXPECT_THAT(texts_, ElementsAre(text));
    }

    std::string path_ = directory_ / "redis.sock";
    FakeRedis redis_{path_};
    std::optional<Publisher> publisher_{};
    std::vector<PublishAnswer> answers_{};
    std::vector<std::string> texts_{};
};

// -- from Redis

TEST_F(PublisherTest, HandsOverRevocationsAndCountsWhatIsNone) {
    start_publisher();
    publisher_->on_revoke("before anybody takes them");
    std::vector<std::string> taken;
    publisher_->on_revocation([&](std::string_view payload) {
        taken.emplace_back(payload);
        return payload != "bad";
    });
    publisher_->on_revoke("good");
    publisher_->on_revoke("bad");
    EXPECT_THAT(taken, ElementsAre("good", "bad"));
    EXPECT_EQ(count(ring::kRejectedJson), 2u);
    EXPECT_EQ(count(ring::kPublished), 0u);
}

TEST_F(PublisherTest, NumbersEventsFromOne) {
    start_publisher();
    publisher_->on_message({0, "run:1", R"({"type":"started"})"});
    publisher_->on_message({0, "run:2", "[1,\n2]"});
    publisher_->on_message({0, "run:1", R"({"type":"done"})"});
    events_->commit();
    const std::vector<Seen> all = shown();
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[0].seq, 1u);
    EXPECT_EQ(all[0].channel, "run:1");
    EXPECT_EQ(all[0].event, "started");
    EXPECT_EQ(all[0].data, R"({"type":"started"})");
    EXPECT_FALSE(all[0].ends);
    EXPECT_EQ(all[1].seq, 2u);
    EXPECT_EQ(all[1].event, "");
    EXPECT_EQ(all[1].data, "[1, 2]");
    EXPECT_TRUE(all[2].ends);
    EXPECT_EQ(journaled(), all);
    EXPECT_EQ(count(ring::kReceived), 3u);
    EXPECT_EQ(count(ring::kPublished), 3u);
}

TEST_F(PublisherTest, CountsEveryReject) {
    start_publisher();
    message(0, "run:1", "");
    message(0, "run:1", std::string(1001, '1'));
    message(0, "run:1", "\xff");
    message(0, "run:1", "{");
    message(0, "run:\n", "1");
    message(1, "other", "1");
    message(0, "run:1", R"({"type":"a\nb"})");
    EXPECT_EQ(count(ring::kReceived), 7u);
    EXPECT_EQ(count(ring::kRejectedEmpty), 1u);
    EXPECT_EQ(count(ring::kRejectedTooLarge), 1u);
    EXPECT_EQ(count(ring::kRejectedUtf8), 1u);
    EXPECT_EQ(count(ring::kRejectedJson), 1u);
    EXPECT_EQ(count(ring::kRejectedChannel), 1u);
    EXPECT_EQ(count(ring::kUnmatched), 1u);
    EXPECT_EQ(count(ring::kUnnamed), 1u);
    EXPECT_EQ(count(ring::kPublished), 1u);
    EXPECT_THAT(shown(), SizeIs(1));
}

// Redis delivers `run:` for the globs of both feeds.
TEST_F(PublisherTest, TakesAChannelOnceThatTwoGlobsMatch) {
    start_publisher();
    message(0, "run:", "1");
    message(1, "run:", "1");
    EXPECT_EQ(count(ring::kReceived), 1u);
    EXPECT_EQ(count(ring::kPublished), 1u);
    EXPECT_EQ(count(ring::kUnmatched), 0u);
}

TEST_F(PublisherTest, CountsReturnsOfRedis) {
    start_publisher();
    EXPECT_EQ(count(ring::kReconnects), 0u);
    publisher_->on_lost();
    EXPECT_EQ(header().redis, ring::RedisState::Lost);
    publisher_->on_connected();
    EXPECT_EQ(header().redis, ring::RedisState::Connected);
    EXPECT_EQ(count(ring::kReconnects), 1u);
    EXPECT_EQ(outline(shown()),
              (Outline{{ring::Kind::RedisLost, 1, 0}, {ring::Kind::RedisBack, 2, 1}}));
}

TEST_F(PublisherTest, TakesEveryMessageThatTheConfigurationAllows) {
    config_.ring_size = 64 << 10;
    config_.max_message = 31424;
    start_publisher();
    const std::string channel = "run:" + std::string(1020, 'c');
    std::string payload = "{\"type\":\"" + std::string(255, 'e') + "\"}";
    payload.resize(31424, ' ');
    for (int i = 0; i < 20; ++i)
        message(0, channel, payload);
    EXPECT_EQ(header().last_seq, 20u);
    EXPECT_EQ(shown().front().data, payload);
    EXPECT_THAT(journaled(), SizeIs(20));
}

// -- repeats

TEST_F(PublisherTest, DropsRepeats) {
    start_publisher();
    message(2, "once:1", R"({"id":"a","n":1})");
    message(2, "once:1", R"({"id":"a","n":2})");
    message(2, "once:1", R"({"id":"b"})");
    message(2, "once:2", R"({"id":"a"})");
    message(2, "once:1", R"({"n":3})");
    message(2, "once:1", R"({"n":3})");
    EXPECT_EQ(count(ring::kReceived), 6u);
    EXPECT_EQ(count(ring::kPublished), 5u);
    EXPECT_EQ(count(ring::kDuplicates), 1u);
    EXPECT_THAT(journaled(), SizeIs(5));
    EXPECT_EQ(journaled()[0].data, R"({"id":"a","n":1})");
}

TEST_F(PublisherTest, DropsRepeatsWithinOneBatch) {
    start_publisher();
    publisher_->on_message({2, "once:1", R"({"id":7})"});
    publisher_->on_message({2, "once:1", R"({"id":7})"});
    events_->commit();
    EXPECT_THAT(shown(), SizeIs(1));
    EXPECT_EQ(count(ring::kDuplicates), 1u);
}

TEST_F(PublisherTest, KeepsRepeatsOfFeedsThatAllowThem) {
    start_publisher();
    message(0, "run:1", R"({"id":"a"})");
    message(0, "run:1", R"({"id":"a"})");
    EXPECT_THAT(shown(), SizeIs(2));
}

TEST_F(PublisherTest, DropsRepeatsOfWhatCameBeforeItsStart) {
    start_publisher();
    message(2, "once:1", R"({"id":"a"})");
    message(0, "run:1", R"({"id":"a"})");
    stop_publisher();
    start_publisher();
    message(2, "once:1", R"({"id":"a"})");
    message(0, "run:1", R"({"id":"a"})");
    EXPECT_EQ(count(ring::kDuplicates), 1u);
    EXPECT_EQ(count(ring::kPublished), 1u);
}

// -- from clients

TEST_F(PublisherTest, AcceptsAnEventWhenItIsBackAndInTheJournal) {
    start_publisher();
    publish("run:1", "{ }");
    const Fd redis = redis_.accept(loop_->get());
    FakeRedis::expect_bytes(loop_->get(), redis, resp({"PUBLISH", "run:1", "{ }"}));
    EXPECT_THAT(journaled(), IsEmpty());
    publisher_->on_message({0, "run:1", "{ }"});
    EXPECT_THAT(answers_, IsEmpty());
    events_->commit();
    ASSERT_THAT(answers_, SizeIs(1));
    EXPECT_EQ(answers_[0].status, PublishStatus::Accepted);
    EXPECT_EQ(answers_[0].log, journal_->log());
    EXPECT_EQ(answers_[0].seq, 1u);
    EXPECT_THAT(texts_, ElementsAre(""));
}

TEST_F(PublisherTest, RefusesWhatIsNoEvent) {
    start_publisher();
    expect_refused("run:1", "", PublishStatus::Malformed,
                   "The body is empty: expected one JSON value");
    expect_refused("run:1", "{", PublishStatus::Malformed, "The body is not one JSON value");
    expect_refused("run:1", "\"\xff\"", PublishStatus::Malformed, "The body is not UTF-8");
    expect_refused("run:1", std::string(1001, '1'), PublishStatus::TooLarge,
                   "The body is larger than [ring] max_message allows");
    uv_run(loop_->get(), UV_RUN_NOWAIT);
    EXPECT_FALSE(redis_.take());
}

TEST_F(PublisherTest, RefusesChannelsThatNoFeedClaims) {
    start_publisher();
    expect_refused("other", "1", PublishStatus::NoFeed, "No feed claims this channel");
    expect_refused("run:\n", "1", PublishStatus::NoFeed, "No feed claims this channel");
    expect_refused("run:" + std::string(1021, 'c'), "1", PublishStatus::NoFeed,
                   "No feed claims this channel");
}

TEST_F(PublisherTest, RefusesEventsWhileRedisIsAway) {
    start_publisher();
    publisher_->on_lost();
    expect_refused("run:1", "1", PublishStatus::Unavailable, "Redis unavailable");
    publisher_->on_connected();
    answers_.clear();
    publish("run:1", "1");
    EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(PublisherTest, RefusesEventsWhileTheJournalFails) {
    start_publisher();
    g_faults.write = ENOSPC;
    message(0, "run:1", "1");
    expect_refused("run:1", "2", PublishStatus::Unavailable, "Journal failing");
    g_faults.write = 0;
    run_until_caught_up();
    answers_.clear();
    publish("run:1", "2");
    EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(PublisherTest, AnswersARepeatWithTheFirstOnesId) {
    start_publisher();
    message(2, "once:1", R"({"id":"a","n":1})");
    publish("once:1", R"({"id":"a","n":2})");
    message(2, "once:1", R"({"id":"a","n":2})");
    ASSERT_THAT(answers_, SizeIs(1));
    EXPECT_EQ(answers_[0].status, PublishStatus::Accepted);
    EXPECT_EQ(answers_[0].seq, 1u);
    EXPECT_THAT(journaled(), SizeIs(1));
}

TEST_F(PublisherTest, AnswersTwoAlikeOfAFeedWithDedupeWithOneId) {
    start_publisher();
    publish("once:1", R"({"id":"a"})");
    publish("once:1", R"({"id":"a"})");
    publisher_->on_message({2, "once:1", R"({"id":"a"})"});
    publisher_->on_message({2, "once:1", R"({"id":"a"})"});
    events_->commit();
    ASSERT_THAT(answers_, SizeIs(2));
    EXPECT_EQ(answers_[0].seq, 1u);
    EXPECT_EQ(answers_[1].seq, 1u);
}

TEST_F(PublisherTest, AcceptsAnEventThatRedisAlsoSendsForAnotherFeed) {
    start_publisher();
    publish("run:1", "1");
    // The same bytes, for a feed that does not claim the channel and for one that does.
    publisher_->on_message({1, "run:1", "1"});
    EXPECT_THAT(answers_, IsEmpty());
    message(0, "run:1", "1");
    ASSERT_THAT(answers_, SizeIs(1));
    EXPECT_EQ(answers_[0].status, PublishStatus::Accepted);
}

// -- from the sidecar itself

TEST_F(PublisherTest, OwnEventsNeedNoRedis) {
    start_publisher();
    publisher_->on_lost();
    EXPECT_TRUE(publisher_->add_own("run:1", R"({"type":"done"})"));
    publisher_->commit_own();
    const std::vector<Seen> all = shown();
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_EQ(all[1].channel, "run:1");
    EXPECT_EQ(all[1].event, "done");
    EXPECT_TRUE(all[1].ends);
    EXPECT_EQ(journaled(), all);
    EXPECT_EQ(count(ring::kPublished), 1u);
    EXPECT_FALSE(redis_.take());
}

TEST_F(PublisherTest, OwnEventsThatAreNoneAreCounted) {
    start_publisher();
    EXPECT_TRUE(publisher_->add_own("run:1", std::string(1001, '1')));
    EXPECT_EQ(count(ring::kRejectedTooLarge), 1u);
    EXPECT_THAT(shown(), IsEmpty());
}

TEST_F(PublisherTest, OwnEventsWaitWhileTheJournalFails) {
    start_publisher();
    g_faults.write = ENOSPC;
    message(0, "run:1", "1");
    EXPECT_FALSE(publisher_->add_own("run:1", "2"));
    g_faults.write = 0;
    run_until_caught_up();
    EXPECT_TRUE(publisher_->add_own("run:1", "2"));
    publisher_->commit_own();
    EXPECT_EQ(journaled().back().data, "2");
}

}  // namespace
}  // namespace herald::sidecar
