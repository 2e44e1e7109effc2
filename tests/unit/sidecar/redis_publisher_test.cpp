// What becomes of a publish: against a Redis of a few lines on a Unix socket.
#include "sidecar/redis_publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "fake_redis.hpp"
#include "run_until.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr uint64_t kShortMs = 50;

std::string published(std::string_view payload) {
    return resp({"PUBLISH", "c", payload});
}

class Publisher : public testing::Test {
  protected:
    // `prefix` and `suffix`: around the socket's path in the URL.
    void start(uint64_t timeout_ms = RedisPublisher::kTimeoutMs, const std::string& suffix = "") {
        publisher_ = std::make_unique<RedisPublisher>(
            loop_.get(), parse_redis_url("unix://" + path_ + suffix), timeout_ms);
    }
    // With a password, which only URLs for TCP have a place for.
    void start_with_password(const std::string& password, uint32_t db = 0) {
        RedisUrl url = parse_redis_url("unix://" + path_);
        url.password = password;
        url.db = db;
        publisher_ = std::make_unique<RedisPublisher>(loop_.get(), std::move(url));
    }

    void listen() { redis_.listen(); }
    void stop_listening() { redis_.stop_listening(); }

    void publish(const std::string& payload) {
        publisher_->publish("c", payload,
                            [this, payload](RedisPublisher::Outcome outcome, std::string_view why) {
                                const char* kNames[] = {"sent", "refused", "lost"};
                                heard_.push_back(payload + " " + kNames[static_cast<int>(outcome)] +
                                                 (why.empty() ? "" : ": " + std::string(why)));
                            });
    }

    Fd accept() { return redis_.accept(loop_.get()); }
    void expect_bytes(const Fd& client, const std::string& expected) {
        FakeRedis::expect_bytes(loop_.get(), client, expected);
    }
    void say(const Fd& client, std::string_view bytes) { FakeRedis::say(client, bytes); }

    void run_until_heard(size_t count) {
        run_until(loop_.get(), [&] { return heard_.size() >= count; });
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "redis.sock";
    FakeRedis redis_{path_};
    Loop loop_{};
    std::vector<std::string> heard_{};
    std::unique_ptr<RedisPublisher> publisher_{};
};

TEST_F(Publisher, ConnectsWithTheFirstPublish) {
    listen();
    start();
    EXPECT_EQ(uv_run(loop_.get(), UV_RUN_NOWAIT), 0) << "something is under way";
    publish("{}");
    const Fd client = accept();
    expect_bytes(client, published("{}"));
    EXPECT_THAT(heard_, IsEmpty());
    say(client, ":0\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("{} sent"));
}

TEST_F(Publisher, SendsBytesAsTheyAre) {
    listen();
    start();
    const std::string payload("a\0\r\n$1\r\n\xff", 9);
    publish(payload);
    const Fd client = accept();
    expect_bytes(client, published(payload));
}

TEST_F(Publisher, PipelinesOnOneConnectionAndAnswersInOrder) {
    listen();
    start();
    publish("1");
    publish("2");
    const Fd client = accept();
    expect_bytes(client, published("1") + published("2"));
    publish("3");
    expect_bytes(client, published("3"));
    say(client, ":1\r\n:0\r\n:2\r\n");
    run_until_heard(3);
    EXPECT_THAT(heard_, ElementsAre("1 sent", "2 sent", "3 sent"));
    EXPECT_EQ(publisher_->under_way(), 0u);
}

TEST_F(Publisher, PublishesOnlyBehindAuthAndSelect) {
    listen();
    start_with_password("hush", 3);
    publish("1");
    const Fd client = accept();
    expect_bytes(client, resp({"AUTH", "hush"}) + resp({"SELECT", "3"}));
    say(client, "+OK\r\n");
    publish("2");
    say(client, "+OK\r\n");
    expect_bytes(client, published("1") + published("2"));
    say(client, ":0\r\n:0\r\n");
    run_until_heard(2);
    EXPECT_THAT(heard_, ElementsAre("1 sent", "2 sent"));
}

TEST_F(Publisher, GivesRedissOwnReasonForARefusal) {
    listen();
    start();
    publish("1");
    publish("2");
    const Fd client = accept();
    expect_bytes(client, published("1") + published("2"));
    say(client, "-NOPERM no permissions to access a channel\r\n:0\r\n");
    run_until_heard(2);
    EXPECT_THAT(heard_,
                ElementsAre("1 refused: Redis refuses PUBLISH: NOPERM no permissions to access a "
                            "channel",
                            "2 sent"));
}

TEST_F(Publisher, RefusesEverythingWhereThePasswordIsWrongAndKeepsItToItself) {
    listen();
    start_with_password("hush");
    publish("1");
    publish("2");
    const Fd client = accept();
    expect_bytes(client, resp({"AUTH", "hush"}));
    say(client, "-ERR unknown command 'AUTH', with args beginning with: 'hush'\r\n");
    run_until_heard(2);
    EXPECT_THAT(heard_, ElementsAre(AllOf(StartsWith("1 refused: Redis refuses AUTH: ERR unknown"),
                                          Not(HasSubstr("hush"))),
                                    AllOf(StartsWith("2 refused: "), Not(HasSubstr("hush")))));
    expect_bytes(client, "");
}

TEST_F(Publisher, SaysThatAnUnansweredPublishMayHaveHappened) {
    listen();
    start();
    publish("1");
    publish("2");
    {
        const Fd client = accept();
        expect_bytes(client, published("1") + published("2"));
        say(client, ":0\r\n");
    }
    run_until_heard(2);
    EXPECT_THAT(heard_, ElementsAre("1 sent",
                                    "2 lost: Redis has not answered, it may have been published or "
                                    "not: Redis closed the connection"));
}

TEST_F(Publisher, SendsOnTheNextConnectionWhatWasNotWritten) {
    listen();
    start(RedisPublisher::kTimeoutMs, "?db=1");
    publish("1");
    {
        const Fd client = accept();
        expect_bytes(client, resp({"SELECT", "1"}));
    }
    const Fd client = accept();
    expect_bytes(client, resp({"SELECT", "1"}));
    EXPECT_THAT(heard_, IsEmpty());
    say(client, "+OK\r\n");
    expect_bytes(client, published("1"));
    say(client, ":0\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("1 sent"));
}

TEST_F(Publisher, ComesBackForTheNextPublishAndNotBefore) {
    listen();
    start();
    publish("1");
    {
        const Fd client = accept();
        expect_bytes(client, published("1"));
    }
    run_until_heard(1);
    EXPECT_EQ(uv_run(loop_.get(), UV_RUN_DEFAULT), 0);
    EXPECT_FALSE(redis_.take());

    publish("2");
    const Fd client = accept();
    expect_bytes(client, published("2"));
    say(client, ":0\r\n");
    run_until_heard(2);
    EXPECT_EQ(heard_[1], "2 sent");
}

TEST_F(Publisher, FindsARedisThatStartsALittleLater) {
    start();
    publish("1");
    uv_run(loop_.get(), UV_RUN_ONCE);
    listen();
    const Fd client = accept();
    expect_bytes(client, published("1"));
}

TEST_F(Publisher, GivesUpWhereNoConnectionComesUpInTime) {
    start(kShortMs);
    publish("1");
    publish("2");
    run_until_heard(2);
    EXPECT_THAT(heard_, ElementsAre("1 lost: not published: no connection to Redis at unix:" +
                                        path_ + " within 50 ms: no such file or directory",
                                    StartsWith("2 lost: not published")));
}

TEST_F(Publisher, GivesUpWhereRedisStopsAnswering) {
    listen();
    start(kShortMs);
    publish("1");
    const Fd client = accept();
    expect_bytes(client, published("1"));
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("1 lost: Redis has not answered, it may have been published or "
                                    "not: no answer within 50 ms"));
    expect_bytes(client, "");
}

TEST_F(Publisher, GivesUpWhereThePreambleIsNotAnswered) {
    listen();
    start(kShortMs, "?db=1");
    publish("1");
    const Fd client = accept();
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre(StartsWith("1 lost: not published: no connection to Redis")));
}

TEST_F(Publisher, EndsAConnectionThatDoesNotSpeakRedis) {
    listen();
    start();
    publish("1");
    const Fd client = accept();
    expect_bytes(client, published("1"));
    say(client, "HTTP/1.1 400 Bad Request\r\n\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_,
                ElementsAre(AllOf(StartsWith("1 lost: "), HasSubstr("not the Redis protocol"))));
}

TEST_F(Publisher, EndsAConnectionWhoseAnswerIsNoNumber) {
    listen();
    start();
    publish("1");
    const Fd client = accept();
    expect_bytes(client, published("1"));
    say(client, "+QUEUED\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre(AllOf(StartsWith("1 lost: "),
                                          HasSubstr("something else than a number"))));
}

TEST_F(Publisher, TakesAThousandAtATime) {
    start();
    for (size_t i = 0; i < RedisPublisher::kMaxUnderWay; ++i)
        publish("x");
    EXPECT_FALSE(publisher_->has_room(1));
    publish("one more");
    EXPECT_THAT(heard_, IsEmpty()) << "told from within publish";
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("one more refused: too many publishes are under way to Redis"));
}

TEST_F(Publisher, TakesSixtyFourMegabytesAtATime) {
    start();
    const std::string half(RedisPublisher::kMaxBytesUnderWay / 2 - 1, 'x');
    publish(half);
    publish(half);
    EXPECT_TRUE(heard_.empty());
    publish("y");
    run_until_heard(1);
    EXPECT_EQ(heard_[0], "y refused: too many bytes are under way to Redis");
}

TEST_F(Publisher, HasRoomAgainBehindAnswers) {
    listen();
    start();
    for (size_t i = 0; i < RedisPublisher::kMaxUnderWay; ++i)
        publish("x");
    const Fd client = accept();
    std::string all;
    for (size_t i = 0; i < RedisPublisher::kMaxUnderWay; ++i)
        all += published("x");
    expect_bytes(client, all);
    say(client, ":0\r\n");
    run_until_heard(1);
    EXPECT_TRUE(publisher_->has_room(1));
}

TEST_F(Publisher, MayPublishWhileBeingTold) {
    listen();
    start();
    publisher_->publish("c", "1", [this](RedisPublisher::Outcome, std::string_view) {
        heard_.push_back("told");
        publish("2");
    });
    const Fd client = accept();
    expect_bytes(client, published("1"));
    say(client, ":0\r\n");
    expect_bytes(client, published("2"));
    EXPECT_THAT(heard_, ElementsAre("told"));
}

TEST_F(Publisher, MayBeDestroyedWhileTelling) {
    listen();
    start();
    publisher_->publish("c", "1", [this](RedisPublisher::Outcome, std::string_view) {
        publisher_.reset();
        heard_.push_back("told");
    });
    publish("2");
    const Fd client = accept();
    expect_bytes(client, published("1") + published("2"));
    say(client, ":0\r\n:0\r\n");
    run_until_heard(1);
    expect_bytes(client, "");
    EXPECT_THAT(heard_, ElementsAre("told"));
}

TEST_F(Publisher, TellsNobodyWhenItIsDestroyed) {
    listen();
    start();
    publish("1");
    const Fd client = accept();
    expect_bytes(client, published("1"));
    publish("2");
    publisher_.reset();
    uv_run(loop_.get(), UV_RUN_DEFAULT);
    EXPECT_THAT(heard_, IsEmpty());
}

}  // namespace
}  // namespace herald::sidecar
