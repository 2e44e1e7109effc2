// Redis comes, goes and comes back: against a server of a few lines on a Unix socket.
#include "sidecar/redis_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "run_until.hpp"
#include "sidecar/listening_socket.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;

constexpr std::string_view kConfirmed =
    "*3\r\n$10\r\npsubscribe\r\n$1\r\na\r\n:1\r\n"
    "*3\r\n$9\r\nsubscribe\r\n$13\r\nherald:revoke\r\n:2\r\n";
constexpr std::string_view kMessage = "*4\r\n$8\r\npmessage\r\n$1\r\na\r\n$1\r\na\r\n$2\r\n{}\r\n";

class RedisSourceTest : public testing::Test, protected RedisSource::Listener {
  protected:
    void on_connected() override { hear("connected"); }
    void on_lost() override { hear("lost"); }
    void on_message(const RawMessage& message) override {
        hear("message " + std::string(message.payload));
    }
    void on_revoke(std::string_view payload) override { hear("revoke " + std::string(payload)); }

    void hear(const std::string& what) { heard_.push_back(what); }

    void start() {
        RedisSource::Listener& listener = *this;
        source_ = std::make_unique<RedisSource>(loop_.get(), parse_redis_url("unix://" + path_),
                                                std::vector<std::string>{"a"}, listener);
    }

    void listen() { server_ = std::make_unique<ListeningSocket>(path_); }

    // Turns the loop until the source has connected and said something.
    Fd accept_greeting() {
        Fd client;
        run_until(loop_.get(), [&] {
            if (!client)
                client = Fd(accept4(server_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
            char byte;
            return client && recv(client.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
        });
        return client;
    }

    void say(const Fd& client, std::string_view bytes) {
        EXPECT_EQ(write(client.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }

    void run_until_heard(size_t count) {
        run_until(loop_.get(), [&] { return heard_.size() >= count; });
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "redis.sock";
    std::unique_ptr<ListeningSocket> server_{};
    Loop loop_{};
    std::vector<std::string> heard_{};
    std::unique_ptr<RedisSource> source_{};
};

TEST_F(RedisSourceTest, ConnectsAndHandsOverMessages) {
    listen();
    start();
    const Fd client = accept_greeting();
    EXPECT_THAT(heard_, ElementsAre());
    say(client, std::string(kConfirmed) + std::string(kMessage));
    run_until_heard(2);
    EXPECT_THAT(heard_, ElementsAre("connected", "message {}"));
}

TEST_F(RedisSourceTest, HandsOverRevocations) {
    listen();
    start();
    const Fd client = accept_greeting();
    say(client,
        std::string(kConfirmed) + "*3\r\n$7\r\nmessage\r\n$13\r\nherald:revoke\r\n$2\r\n{}\r\n");
    run_until_heard(2);
    EXPECT_THAT(heard_, ElementsAre("connected", "revoke {}"));
}

TEST_F(RedisSourceTest, ConnectsWhereRevocationsAreNotAllowed) {
    listen();
    start();
    const Fd client = accept_greeting();
    say(client,
        "*3\r\n$10\r\npsubscribe\r\n$1\r\na\r\n:1\r\n-NOPERM this user has no permissions\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("connected"));
}

TEST_F(RedisSourceTest, SaysOnceThatRedisIsNotThere) {
    start();
    run_until_heard(1);
    listen();
    const Fd client = accept_greeting();
    say(client, kConfirmed);
    run_until_heard(2);
    EXPECT_THAT(heard_, ElementsAre("lost", "connected"));
}

TEST_F(RedisSourceTest, ComesBackAfterALoss) {
    listen();
    start();
    {
        const Fd client = accept_greeting();
        say(client, kConfirmed);
        run_until_heard(1);
    }
    run_until_heard(2);
    const Fd client = accept_greeting();
    say(client, kConfirmed);
    run_until_heard(3);
    EXPECT_THAT(heard_, ElementsAre("connected", "lost", "connected"));
}

TEST_F(RedisSourceTest, TakesARefusalForALoss) {
    listen();
    start();
    const Fd client = accept_greeting();
    say(client, "-NOAUTH Authentication required.\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("lost"));
}

TEST_F(RedisSourceTest, SendsPings) {
    listen();
    start();
    const Fd client = accept_greeting();
    char greeting[4096];
    ASSERT_GT(recv(client.get(), greeting, sizeof greeting, MSG_DONTWAIT), 0);
    say(client, kConfirmed);
    char ping[64];
    ssize_t got = 0;
    run_until(loop_.get(), [&] {
        got = recv(client.get(), ping, sizeof ping, MSG_DONTWAIT);
        return got > 0;
    });
    EXPECT_EQ(std::string(ping, static_cast<size_t>(got)), "*1\r\n$4\r\nPING\r\n");
}

TEST_F(RedisSourceTest, EndsInEveryState) {
    start();
    source_.reset();

    listen();
    start();
    const Fd client = accept_greeting();
    source_.reset();
    EXPECT_THAT(heard_, ElementsAre());
}

TEST_F(RedisSourceTest, EndsWhileANameIsLookedUp) {
    RedisSource::Listener& listener = *this;
    RedisSource source(loop_.get(), parse_redis_url("redis://localhost:1"),
                       std::vector<std::string>{"a"}, listener);
    uv_run(loop_.get(), UV_RUN_NOWAIT);
}

}  // namespace
}  // namespace herald::sidecar
