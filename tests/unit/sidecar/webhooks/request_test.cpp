// One request, to receivers that behave and to those that do not.
#include "sidecar/webhooks/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "../run_until.hpp"
#include "../temporary_directory.hpp"
#include "../tls_server.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar {
namespace {

using testing::HasSubstr;

class WebhookRequestTest : public testing::Test {
  protected:
    WebhookRequestTest() {
        config_.url = server_.url("/hook");
        config_.keys = {"a key of the tests alone"};
        delivery_.id = {0x7f3a2c01, 42};
        delivery_.channel = "jobs:1";
        delivery_.data = "{\"n\":1}";
    }

    void answer(const std::string& bytes, bool hold = false) {
        server_.answer("/hook", bytes, hold);
    }
    // Sends it `times` times, one after the other, by one request; how the last one ends.
    WebhookRequest::Outcome send(int times = 1) {
        std::optional<WebhookRequest::Outcome> last;
        WebhookRequest request(
            curl_, config_, ca_file_,
            [&](Delivery&, const WebhookRequest::Outcome& outcome) { last = outcome; });
        for (; times > 0; --times) {
            last.reset();
            request.begin(delivery_, 1763719200);
            EXPECT_FALSE(request.is_idle());
            run_until(loop_.get(), [&] { return last.has_value(); });
            EXPECT_TRUE(request.is_idle());
        }
        return *last;
    }

    TemporaryDirectory directory_{};
    TlsServer server_{directory_ / "ca.pem"};
    std::string ca_file_ = directory_ / "ca.pem";
    Loop loop_{};
    CurlLoop curl_{loop_.get()};
    WebhookConfig config_{};
    Delivery delivery_{};
};

TEST_F(WebhookRequestTest, BringsTheStatus) {
    answer("HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(send(3).status, 204);
    EXPECT_EQ(server_.hits(), 3);
    answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    const auto outcome = send();
    EXPECT_EQ(outcome.status, 503);
    EXPECT_EQ(outcome.error, "HTTP status 503");
    EXPECT_EQ(outcome.retry_after_s, 0u);
}

TEST_F(WebhookRequestTest, FollowsNoRedirect) {
    answer("HTTP/1.1 307 Moved\r\nLocation: " + server_.url("/elsewhere") +
           "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(send().status, 307);
    EXPECT_EQ(server_.hits(), 1);
}

TEST_F(WebhookRequestTest, BringsWhenToComeAgain) {
    answer("HTTP/1.1 429 Slow\r\nretry-after: 17\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(send().retry_after_s, 17u);
}

TEST_F(WebhookRequestTest, ForgetsWhatAnEarlierAnswerAskedFor) {
    WebhookRequest::Outcome last;
    bool done = false;
    WebhookRequest request(curl_, config_, ca_file_,
                           [&](Delivery&, const WebhookRequest::Outcome& outcome) {
                               last = outcome;
                               done = true;
                           });
    for (const char* more : {"Retry-After: 17\r\n", ""}) {
        answer(std::string("HTTP/1.1 503 Busy\r\n") + more + "Connection: close\r\n\r\n");
        done = false;
        request.begin(delivery_, 1);
        run_until(loop_.get(), [&] { return done; });
    }
    EXPECT_EQ(last.retry_after_s, 0u);
}

TEST_F(WebhookRequestTest, PassesOverInterimAnswers) {
    answer("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 500 No\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(send().status, 500);
    answer("HTTP/1.1 103 Early\r\n\r\n");
    EXPECT_EQ(send().status, 0);
}

TEST_F(WebhookRequestTest, IsAnsweredHoweverTheBodyEnds) {
    answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(1 << 20, 'x'));
    EXPECT_EQ(send().status, 200);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\ncut");
    EXPECT_EQ(send().status, 200);
    config_.timeout_ms = 2000;
    answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nslow", true);
    EXPECT_EQ(send().status, 200);
}

TEST_F(WebhookRequestTest, BoundsTheHeaders) {
    answer("HTTP/1.1 200 OK\r\nX: " + std::string(80'000, 'x') + "\r\n\r\n");
    const auto outcome = send();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_NE(outcome.error, "");
}

TEST_F(WebhookRequestTest, SaysThatNoAnswerCame) {
    answer("");
    EXPECT_EQ(send().status, 0);
    answer("HTTP/1.1 200 OK\r\nX: cut");
    EXPECT_EQ(send().status, 0);
    answer("garbage\r\n\r\n");
    EXPECT_EQ(send().status, 0);
    config_.timeout_ms = 300;
    answer("", true);
    const auto outcome = send();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.error, "no answer in time");
    server_.stop();
    EXPECT_NE(send().error, "");
}

TEST_F(WebhookRequestTest, SendsNothingToWhomNobodyVouchesFor) {
    answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    ca_file_.clear();
    const auto outcome = send();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.error, HasSubstr("certificate"));
    EXPECT_EQ(server_.hits(), 0);
}

TEST_F(WebhookRequestTest, IsCalledOffAtItsEnd) {
    answer("", true);
    {
        WebhookRequest request(curl_, config_, ca_file_, [](Delivery&, const auto&) { FAIL(); });
        request.begin(delivery_, 1);
        run_until(loop_.get(), [&] { return server_.hits() == 1; });
    }
    uv_run(loop_.get(), UV_RUN_NOWAIT);
}

}  // namespace
}  // namespace herald::sidecar
