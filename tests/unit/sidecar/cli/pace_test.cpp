// When lines are due, given their times.
#include "sidecar/cli/pace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

namespace herald::cli {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr int64_t kStart = 1'763'719'200'000'000;
constexpr int64_t kSecond = 1'000'000;

// Times in seconds from a start, NAN for none; the answers in seconds, too.
std::vector<double> due(double speed, const std::vector<double>& seconds) {
    Pace pace(speed);
    std::vector<double> out;
    for (double second : seconds) {
        std::optional<int64_t> time;
        if (!std::isnan(second))
            time = kStart + std::llround(second * kSecond);
        out.push_back(static_cast<double>(pace.due_us(time)) / kSecond);
    }
    return out;
}

TEST(Pace, IsThatOfTheTimesAtSpeedOne) {
    EXPECT_THAT(due(1, {0, 1, 1, 2.5}), ElementsAre(0, 1, 1, 2.5));
}

TEST(Pace, IsDividedByTheSpeed) {
    EXPECT_THAT(due(2, {0, 1, 3}), ElementsAre(0, 0.5, 1.5));
    EXPECT_THAT(due(0.5, {0, 1, 3}), ElementsAre(0, 2, 6));
}

TEST(Pace, NeverWaitsAtMaximum) {
    EXPECT_THAT(due(std::numeric_limits<double>::infinity(), {0, 1, 1e6}), Each(0));
}

TEST(Pace, LetsLinesWithoutATimeFollowAtOnce) {
    EXPECT_THAT(due(1, {NAN, 5, NAN, 6, NAN}), ElementsAre(0, 0, 0, 1, 1));
}

TEST(Pace, DoesNotWaitForLinesALittleOutOfOrder) {
    EXPECT_THAT(due(1, {0, 10, 9, 11, 8, 12}), ElementsAre(0, 10, 10, 11, 11, 12));
}

TEST(Pace, GoesOnBehindAClockThatWasSetBack) {
    EXPECT_THAT(due(1, {3600, 3601, 1, 2, 3}), ElementsAre(0, 1, 1, 2, 3));
}

TEST(Pace, DoesNotWaitForWhatFollowsAStrayTimeInThePast) {
    EXPECT_THAT(due(1, {0, 1, -1e9, 2}), ElementsAre(0, 1, 1, 2));
}

TEST(Pace, AddsUpWithoutRounding) {
    std::vector<double> times;
    for (int i = 0; i <= 3000; ++i)
        times.push_back(i * 1e-6);
    EXPECT_EQ(due(3, times).back(), 0.001);
}

TEST(Pace, SurvivesTimesAtTheEndsOfTheWorld) {
    Pace pace(1e-300);
    uint64_t last = 0;
    for (int64_t time : {INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX}) {
        const uint64_t now = pace.due_us(time);
        EXPECT_GE(now, last);
        last = now;
    }
    EXPECT_LT(last, UINT64_MAX / 1000) << "nanoseconds of it are no number";
}

TEST(Speed, IsMaxOrANumberAboveNothing) {
    EXPECT_EQ(parse_speed("1"), 1.0);
    EXPECT_EQ(parse_speed("0.25"), 0.25);
    EXPECT_EQ(parse_speed("1e3"), 1000.0);
    EXPECT_EQ(parse_speed("max"), std::numeric_limits<double>::infinity());
    for (const char* text : {"", "0", "-1", "fast", "2x", "nan", "inf", "1e999", " 1", "MAX"})
        EXPECT_EQ(parse_speed(text), std::nullopt) << text;
}

}  // namespace
}  // namespace herald::cli
