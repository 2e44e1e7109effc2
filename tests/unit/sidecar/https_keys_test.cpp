// When a key set's URL is fetched.
#include "sidecar/https_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "run_until.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"
#include "tls_server.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;

TEST(FetchDelay, IsTenMinutesLessSomeAfterASuccess) {
    const FetchTimes times;
    EXPECT_EQ(fetch_delay_ms(times, 0, 0), 600'000u);
    EXPECT_EQ(fetch_delay_ms(times, 0, 60'000), 540'000u);
    EXPECT_EQ(fetch_delay_ms(times, 0, 60'001), 600'000u);
}

TEST(FetchDelay, DoublesWithEachFailureUpToAMinute) {
    const FetchTimes times;
    std::vector<uint64_t> least, most;
    for (uint32_t failures : {1, 2, 3, 6, 7, 8, 1000}) {
        least.push_back(fetch_delay_ms(times, failures, 0));
        const uint64_t base = least.back();
        most.push_back(fetch_delay_ms(times, failures, static_cast<uint32_t>(base / 4)));
    }
    EXPECT_THAT(least, ElementsAre(1000, 2000, 4000, 32'000, 60'000, 60'000, 60'000));
    EXPECT_THAT(most, ElementsAre(1250, 2500, 5000, 40'000, 75'000, 75'000, 75'000));
}

class HttpsKeysTest : public testing::Test, protected KeyTaker {
  protected:
    static constexpr uint64_t kHour = 3600'000;

    HttpsKeysTest() {
        setenv("no_proxy", "*", 1);
        options_.ca_file = directory_ / "ca.pem";
        server_.answer_json("/", "1");
    }
    bool on_bytes(std::string_view bytes) override {
        heard_.emplace_back(bytes);
        return good_;
    }
    void on_failure(std::string_view) override { heard_.emplace_back("failure"); }

    void start(FetchTimes times) {
        KeyTaker& taker = *this;
        keys_ = std::make_unique<HttpsKeys>(loop_.get(), curl_, server_.url("/"), options_, times,
                                            taker);
    }
    void wait_until_heard(size_t count) {
        run_until(loop_.get(), [&] { return heard_.size() >= count; });
    }

    TemporaryDirectory directory_{};
    TlsServer server_{directory_ / "ca.pem"};
    Loop loop_{};
    CurlLoop curl_{loop_.get()};
    FetchOptions options_{};
    bool good_ = true;
    std::vector<std::string> heard_{};
    std::unique_ptr<HttpsKeys> keys_{};
};

TEST_F(HttpsKeysTest, AreFetchedAtOnceAndAgainAndAgain) {
    start({.refresh_ms = 20});
    wait_until_heard(3);
    EXPECT_THAT(heard_, ElementsAre("1", "1", "1"));
}

TEST_F(HttpsKeysTest, AreTriedAgainAfterAFailure) {
    server_.answer("/", "");
    start({.refresh_ms = kHour, .first_retry_ms = 10, .longest_retry_ms = 10});
    wait_until_heard(2);
    server_.answer_json("/", "1");
    run_until(loop_.get(), [&] { return heard_.back() == "1"; });
    EXPECT_EQ(heard_.front(), "failure");
    EXPECT_GT(keys_->due_in_ms(), kHour / 2);
}

TEST_F(HttpsKeysTest, AreTriedAgainWhereTheyAreNone) {
    good_ = false;
    start({.refresh_ms = kHour, .first_retry_ms = 10, .longest_retry_ms = 10});
    wait_until_heard(3);
}

TEST_F(HttpsKeysTest, AreFetchedAgainWhereAKeyIsMissed) {
    start({.refresh_ms = kHour, .refetch_ms = 0});
    wait_until_heard(1);
    keys_->refetch();
    wait_until_heard(2);
}

TEST_F(HttpsKeysTest, AreNotFetchedTwiceWithinTheTimeForAMissedKey) {
    start({.refresh_ms = kHour, .refetch_ms = kHour / 4});
    wait_until_heard(1);
    EXPECT_GT(keys_->due_in_ms(), kHour / 2);
    for (int i = 0; i < 3; ++i)
        keys_->refetch();
    EXPECT_FALSE(keys_->is_fetching());
    EXPECT_LE(keys_->due_in_ms(), kHour / 4) << "but as soon as it may be";
    EXPECT_GT(keys_->due_in_ms(), kHour / 8);
}

TEST_F(HttpsKeysTest, AreFetchedOnceMoreWhereAKeyIsMissedMeanwhile) {
    start({.refresh_ms = kHour, .refetch_ms = 0});
    run_until(loop_.get(), [this] { return keys_->is_fetching(); });
    keys_->refetch();
    wait_until_heard(2);
}

TEST_F(HttpsKeysTest, MayEndWhileTheyAreFetched) {
    server_.answer("/", "", true);
    start({});
    run_until(loop_.get(), [this] { return server_.hits() == 1; });
    keys_.reset();
    EXPECT_THAT(heard_, ElementsAre());
}

}  // namespace
}  // namespace herald::sidecar
