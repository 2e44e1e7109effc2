// What is said to Redis and what is understood of its answers, without a connection.
#include "sidecar/redis_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string resp(const std::vector<std::string>& words) {
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words)
        bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    return bytes;
}

std::string confirmed(const std::string& glob, int count) {
    return "*3\r\n$10\r\npsubscribe\r\n$" + std::to_string(glob.size()) + "\r\n" + glob +
           "\r\n:" + std::to_string(count) + "\r\n";
}

// Of herald:revoke, the last one.
std::string revoke_confirmed() {
    return "*3\r\n$9\r\nsubscribe\r\n$13\r\nherald:revoke\r\n:3\r\n";
}
std::string all_confirmed() {
    return confirmed("a:*", 1) + confirmed("b", 2) + revoke_confirmed();
}

const std::string kSubscribe =
    resp({"PSUBSCRIBE", "a:*", "b"}) + resp({"SUBSCRIBE", "herald:revoke"});

class Session : public testing::Test, protected RedisSession::Listener {
  protected:
    void on_subscribed() override { heard_.push_back("subscribed"); }
    void on_message(const RawMessage& message) override {
        heard_.push_back(std::to_string(message.feed) + " " + std::string(message.channel) + " " +
                         std::string(message.payload));
    }

    void on_revoke(std::string_view payload) override {
        heard_.push_back("revoke " + std::string(payload));
    }
    void on_revoke_refused(const std::string& reason) override { heard_.push_back(reason); }

    RedisSession session(const std::string& url = "redis://h") {
        url_ = parse_redis_url(url);
        return RedisSession(url_, globs_, *this);
    }

    RedisUrl url_{};
    std::vector<std::string> globs_{"a:*", "b"};
    std::vector<std::string> heard_{};
};

TEST_F(Session, SubscribesToEverythingAtOnce) {
    EXPECT_EQ(session().greeting(), kSubscribe);
}

TEST_F(Session, AuthenticatesAndSelectsFirst) {
    EXPECT_EQ(session("redis://:pw@h/3").greeting(),
              resp({"AUTH", "pw"}) + resp({"SELECT", "3"}) + kSubscribe);
    EXPECT_EQ(session("redis://u:pw@h").greeting(), resp({"AUTH", "u", "pw"}) + kSubscribe);
}

TEST_F(Session, IsSubscribedWhenEveryPatternIsConfirmed) {
    RedisSession s = session("redis://:pw@h/3");
    EXPECT_EQ(s.feed("+OK\r\n+OK\r\n" + confirmed("a:*", 1)), std::nullopt);
    EXPECT_FALSE(s.subscribed());
    EXPECT_THAT(heard_, ElementsAre());
    EXPECT_EQ(s.feed(confirmed("b", 2)), std::nullopt);
    EXPECT_FALSE(s.subscribed());
    EXPECT_EQ(s.feed(revoke_confirmed()), std::nullopt);
    EXPECT_TRUE(s.subscribed());
    EXPECT_THAT(heard_, ElementsAre("subscribed"));
}

TEST_F(Session, HandsOverMessagesWithTheirFeed) {
    RedisSession s = session();
    EXPECT_EQ(s.feed(all_confirmed() + resp({"pmessage", "b", "b", "{}"}) + resp({"pong", ""}) +
                     resp({"pmessage", "a:*", "a:1", std::string("x\0\r\ny", 5)}) +
                     resp({"pmessage", "unknown", "c", "1"})),
              std::nullopt);
    EXPECT_THAT(heard_, ElementsAre("subscribed", "1 b {}", "0 a:1 " + std::string("x\0\r\ny", 5)));
}

TEST_F(Session, PutsMessagesTogetherFromSingleBytes) {
    RedisSession s = session();
    const std::string bytes = all_confirmed() + resp({"pmessage", "a:*", "a:1", "one"}) +
                              resp({"pmessage", "a:*", "a:2", ""});
    for (char c : bytes)
        ASSERT_EQ(s.feed({&c, 1}), std::nullopt);
    EXPECT_THAT(heard_, ElementsAre("subscribed", "0 a:1 one", "0 a:2 "));
}

TEST_F(Session, TakesMessagesOfManyMegabytes) {
    RedisSession s = session();
    const std::string payload(5 << 20, 'p');
    EXPECT_EQ(s.feed(all_confirmed() + resp({"pmessage", "a:*", "a:1", payload})), std::nullopt);
    ASSERT_EQ(heard_.size(), 2u);
    EXPECT_EQ(heard_[1], "0 a:1 " + payload);
}

TEST_F(Session, EndsWithWhatRedisSaysAndToWhat) {
    EXPECT_EQ(session("redis://:pw@h").feed("-WRONGPASS invalid\r\n"),
              "Redis refuses AUTH: WRONGPASS invalid");
    EXPECT_EQ(session("redis://:pw@h/9").feed("+OK\r\n-ERR DB index is out of range\r\n"),
              "Redis refuses SELECT: ERR DB index is out of range");
    EXPECT_EQ(session().feed("-NOAUTH Authentication required.\r\n"),
              "Redis refuses PSUBSCRIBE: NOAUTH Authentication required.");
    EXPECT_EQ(session().feed("-LOADING Redis is loading\r\n"),
              "Redis refuses PSUBSCRIBE: LOADING Redis is loading");
}

TEST_F(Session, HandsOverRevocationsAndNothingElseOnTheirChannel) {
    RedisSession s = session();
    EXPECT_EQ(
        s.feed(all_confirmed() + resp({"message", "herald:revoke", "{}"}) +
               resp({"message", "other", "{}"}) + resp({"pmessage", "b", "herald:revoke", "{}"})),
        std::nullopt);
    EXPECT_THAT(heard_, ElementsAre("subscribed", "revoke {}"));
}

TEST_F(Session, GoesOnWhereRevocationsAreNotAllowed) {
    RedisSession s = session();
    EXPECT_EQ(s.feed(confirmed("a:*", 1) + confirmed("b", 2) + "-NOPERM no\r\n" +
                     resp({"pmessage", "b", "b", "{}"})),
              std::nullopt);
    EXPECT_THAT(heard_, ElementsAre("Redis refuses SUBSCRIBE: NOPERM no", "subscribed", "1 b {}"));
    EXPECT_TRUE(s.feed("-ERR later\r\n"));
}

TEST_F(Session, NeverRepeatsThePassword) {
    const auto failure =
        session("redis://:hush@h")
            .feed("-ERR unknown command 'AUTH', with args beginning with: 'hush' 'hush'\r\n");
    ASSERT_TRUE(failure);
    EXPECT_THAT(*failure, Not(HasSubstr("hush")));
    EXPECT_THAT(*failure, HasSubstr("'***' '***'"));
}

TEST_F(Session, EndsWhereTheOtherSideDoesNotSpeakRedis) {
    EXPECT_THAT(session().feed("HTTP/1.1 400 Bad Request\r\n\r\n").value_or(""),
                HasSubstr("not the Redis protocol"));
}

TEST_F(Session, IgnoresAnswersThatItDoesNotKnow) {
    RedisSession s = session();
    EXPECT_EQ(s.feed("+PONG\r\n:1\r\n$-1\r\n*0\r\n*1\r\n:1\r\n*2\r\n$8\r\npmessage\r\n$1\r\na\r\n"
                     "*4\r\n$8\r\npmessage\r\n$3\r\na:*\r\n$1\r\nc\r\n$-1\r\n"),
              std::nullopt);
    EXPECT_THAT(heard_, ElementsAre());
}

}  // namespace
}  // namespace herald::sidecar
