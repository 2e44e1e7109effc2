// Times as `herald token` reads and writes them.
#include "sidecar/cli/token_words.hpp"

#include <gtest/gtest.h>

namespace herald::cli {
namespace {

TEST(ParseDuration, TakesSecondsAndUnits) {
    EXPECT_EQ(parse_duration("90"), 90);
    EXPECT_EQ(parse_duration("90s"), 90);
    EXPECT_EQ(parse_duration("15m"), 900);
    EXPECT_EQ(parse_duration("1h"), 3600);
    EXPECT_EQ(parse_duration("7d"), 604800);
    EXPECT_EQ(parse_duration("-5m"), -300);
    EXPECT_EQ(parse_duration("0"), 0);
}

TEST(ParseDuration, RefusesAllElse) {
    for (const char* text : {"", "h", "1.5h", "1 h", "1h30m", "+1h", "1H", "1w", "1hh",
                             "99999999999999999999", "9999999999999d", "-9999999999999d"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(DurationWords, RoundDownToWhatCounts) {
    EXPECT_EQ(duration_words(0), "0 s");
    EXPECT_EQ(duration_words(59), "59 s");
    EXPECT_EQ(duration_words(60), "1 min");
    EXPECT_EQ(duration_words(3599), "59 min");
    EXPECT_EQ(duration_words(3600), "1 h");
    EXPECT_EQ(duration_words(7500), "2 h 5 min");
    EXPECT_EQ(duration_words(86400), "1 day");
    EXPECT_EQ(duration_words(5 * 86400 - 1), "4 days");
}

TEST(ExpiryWords, SayWhenAndForHowLong) {
    EXPECT_EQ(expiry_words({}, 1000, 30), "never expires");
    EXPECT_EQ(expiry_words(4120, 1000, 30), "expires in 52 min (1970-01-01T01:08:40Z)");
    EXPECT_EQ(expiry_words(1000, 1180, 30), "expired 3 min ago (1970-01-01T00:16:40Z)");
    EXPECT_EQ(expiry_words(1000, 1000, 30),
              "expired 0 s ago (1970-01-01T00:16:40Z), by the leeway accepted for another 30 s");
    EXPECT_EQ(expiry_words(1000, 1030, 30), "expired 30 s ago (1970-01-01T00:16:40Z)");
}

TEST(ExpiryWords, LeaveOutDatesThatNoCalendarHas) {
    EXPECT_EQ(expiry_words(-5, 55, 0), "expired 1 min ago");
    EXPECT_EQ(expiry_words(int64_t{1} << 53, 0, 0), "expires in 104249991374 days");
}

}  // namespace
}  // namespace herald::cli
