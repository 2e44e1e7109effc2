#include "sidecar/webhooks/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace herald::sidecar {
namespace {

TEST(WebhookVerdict, TakesEvery2xx) {
    for (long status : {200, 201, 202, 204, 299})
        EXPECT_EQ(verdict_of(status), Verdict::Delivered) << status;
}

TEST(WebhookVerdict, RetriesWhatSomebodyCanPutRight) {
    for (long status :
         {0, 301, 302, 307, 401, 403, 404, 405, 408, 409, 425, 429, 500, 502, 503, 599})
        EXPECT_EQ(verdict_of(status), Verdict::Retry) << status;
}

TEST(WebhookVerdict, GivesUpWhatIsRefusedForGood) {
    for (long status : {400, 410, 413, 414, 415, 422})
        EXPECT_EQ(verdict_of(status), Verdict::Refused) << status;
}

TEST(WebhookRetry, BeginsWithASecondAndGrowsToTenMinutes) {
    uint64_t longest_before = 0;
    for (uint32_t attempts = 1; attempts <= 40; ++attempts) {
        uint64_t shortest = UINT64_MAX;
        uint64_t longest = 0;
        for (uint32_t random = 0; random < 1'000'000; random += 997) {
            shortest = std::min(shortest, webhook_retry_ms(attempts, random));
            longest = std::max(longest, webhook_retry_ms(attempts, random));
        }
        EXPECT_GE(shortest, kFirstRetryMs) << attempts;
        EXPECT_LE(longest, kLongestRetryMs) << attempts;
        EXPECT_GT(longest, shortest) << attempts;
        EXPECT_GE(longest, longest_before) << attempts;
        longest_before = longest;
    }
    EXPECT_LE(webhook_retry_ms(1, 12345), 1500u);
    EXPECT_EQ(webhook_retry_ms(40, 0), kLongestRetryMs);
    EXPECT_EQ(webhook_retry_ms(UINT32_MAX, 0), kLongestRetryMs);
}

}  // namespace
}  // namespace herald::sidecar
