// The schedule of attempts to find Redis again.
#include "sidecar/backoff.hpp"

#include <gtest/gtest.h>

#include <random>

namespace herald::sidecar {
namespace {

TEST(Backoff, TriesWithinATenthOfASecondAfterALoss) {
    std::minstd_rand random(1);
    for (int i = 0; i < 10'000; ++i) {
        const uint64_t delay = retry_delay_ms(0, static_cast<uint32_t>(random()));
        EXPECT_GE(delay, 20u);
        EXPECT_LE(delay, 100u);
    }
}

TEST(Backoff, TriesAtMostOnceASecondAfterAFailure) {
    std::minstd_rand random(2);
    for (uint32_t failures = 1; failures < 1000; ++failures) {
        const uint64_t delay = retry_delay_ms(failures, static_cast<uint32_t>(random()));
        EXPECT_GE(delay, 1000u) << failures;
        EXPECT_LE(delay, 3000u) << failures;
    }
}

TEST(Backoff, GrowsWithEveryFailureUpToItsEnd) {
    uint64_t before = 0;
    for (uint32_t failures = 0; failures < 8; ++failures) {
        const uint64_t delay = retry_delay_ms(failures, 0);
        EXPECT_GT(delay, before);
        before = delay;
    }
    EXPECT_EQ(retry_delay_ms(8, 0), before);
    EXPECT_LE(retry_delay_ms(~uint32_t{0}, ~uint32_t{0}), 3000u);
}

TEST(Backoff, SpreadsAttemptsAtRandom) {
    EXPECT_NE(retry_delay_ms(1, 0), retry_delay_ms(1, 250));
    EXPECT_NE(retry_delay_ms(0, 0), retry_delay_ms(0, 40));
}

}  // namespace
}  // namespace herald::sidecar
