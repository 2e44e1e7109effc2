#include "sidecar/cli/reconnect.hpp"

#include <gtest/gtest.h>

namespace herald::cli {
namespace {

uint64_t shortest(uint32_t fruitless, std::optional<uint64_t> asked = {}) {
    return reconnect_delay_ms(fruitless, asked, 0);
}

TEST(ReconnectDelay, DoublesUpToHalfAMinute) {
    EXPECT_EQ(shortest(0), 1000u);
    EXPECT_EQ(shortest(1), 2000u);
    EXPECT_EQ(shortest(4), 16'000u);
    EXPECT_EQ(shortest(5), 30'000u);
    EXPECT_EQ(shortest(UINT32_MAX), 30'000u);
}

TEST(ReconnectDelay, IsNeverLessThanTheServerAsksFor) {
    EXPECT_EQ(shortest(0, 3000), 3000u);
    EXPECT_EQ(shortest(0, 120'000), 120'000u);
    EXPECT_EQ(shortest(3, 120'000), 120'000u);
    EXPECT_EQ(shortest(0, 50), 50u);
    EXPECT_EQ(shortest(1, 50), 100u);
}

TEST(ReconnectDelay, GrowsAlsoFromNothing) {
    EXPECT_EQ(shortest(0, 0), 0u + 1);
    EXPECT_GT(shortest(10, 0), 1000u);
}

TEST(ReconnectDelay, IsAtMostADayAndAHalf) {
    EXPECT_EQ(shortest(0, UINT64_MAX), 86'400'000u);
    EXPECT_LE(reconnect_delay_ms(UINT32_MAX, UINT64_MAX, UINT64_MAX), 129'600'000u);
}

TEST(ReconnectDelay, IsSpreadOverHalfAsMuchAgain) {
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (uint64_t random = 0; random < 5000; ++random) {
        const uint64_t delay = reconnect_delay_ms(0, 1000, random);
        least = std::min(least, delay);
        most = std::max(most, delay);
    }
    EXPECT_EQ(least, 1000u);
    EXPECT_EQ(most, 1500u);
}

}  // namespace
}  // namespace herald::cli
