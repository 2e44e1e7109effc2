// Sizes and lengths of time: what is one, and how it is written back.
#include "sidecar/quantities.hpp"

#include <gtest/gtest.h>

namespace herald::sidecar {
namespace {

TEST(Size, IsReadAndWrittenInPowersOf1024) {
    EXPECT_EQ(parse_size("0"), 0u);
    EXPECT_EQ(parse_size("1k"), 1024u);
    EXPECT_EQ(parse_size("3M"), 3u << 20);
    EXPECT_EQ(parse_size("17179869183G"), uint64_t{17179869183} << 30);
    EXPECT_EQ(parse_size("17179869184G"), std::nullopt);
    EXPECT_EQ(parse_size("18446744073709551616"), std::nullopt);
    EXPECT_EQ(format_size(1000), "1000");
    EXPECT_EQ(format_size(1536), "1536");
    EXPECT_EQ(format_size(65536), "64K");
    EXPECT_EQ(format_size(uint64_t{2} << 40), "2048G");
}

TEST(Duration, IsReadAndWrittenInItsLargestUnit) {
    EXPECT_EQ(parse_duration("1s"), 1000u);
    EXPECT_EQ(parse_duration("90m"), 5'400'000u);
    EXPECT_EQ(parse_duration("36h"), 129'600'000u);
    EXPECT_EQ(parse_duration("36500d"), 36500 * uint64_t{86'400'000});
    for (const char* text :
         {"", "s", "0s", "0d", "1", "1ms", "1S", "-1s", "+1s", "1.5h", "1 h", "1h30m", " 1h", "1h ",
          "36501d", "876001h", "18446744073709551616s", "18446744073709551615d", "off"})
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    EXPECT_EQ(format_duration(7 * 86'400'000), "7d");
    EXPECT_EQ(format_duration(129'600'000), "36h");
    EXPECT_EQ(format_duration(90'000), "90s");
    EXPECT_EQ(format_duration(60'000), "1m");
}

}  // namespace
}  // namespace herald::sidecar
