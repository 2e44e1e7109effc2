// Event ids as text: one form, and nothing else is an id.
#include "ring/id.hpp"

#include <gtest/gtest.h>

namespace herald::ring {
namespace {

TEST(EventId, IsEightHexDigitsAHyphenAndANumber) {
    EXPECT_EQ(to_string({0x7f3a2c01, 42}), "7f3a2c01-42");
}

TEST(EventId, KeepsTheLogsLeadingZeros) {
    EXPECT_EQ(to_string({0xa, 0}), "0000000a-0");
}

TEST(EventId, WritesTheLargestNumbers) {
    EXPECT_EQ(to_string({UINT32_MAX, UINT64_MAX}), "ffffffff-18446744073709551615");
    EXPECT_EQ(to_string({UINT32_MAX, UINT64_MAX}).size(), kMaxIdLength);
}

TEST(EventId, IsReadBackAsItWasWritten) {
    for (uint32_t log : {0u, 1u, 0x80000000u, 0xdeadbeefu, UINT32_MAX}) {
        for (uint64_t seq = 1; seq != 0; seq *= 2) {
            const EventId below{log, seq - 1}, id{log, seq};
            EXPECT_EQ(parse_id(to_string(below)), below);
            EXPECT_EQ(parse_id(to_string(id)), id);
        }
    }
    EXPECT_EQ(parse_id("ffffffff-18446744073709551615"), (EventId{UINT32_MAX, UINT64_MAX}));
}

class NoEventId : public testing::TestWithParam<std::string_view> {};

TEST_P(NoEventId, IsRejected) {
    EXPECT_EQ(parse_id(GetParam()), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, NoEventId,
    testing::Values("", "-", "42", "7f3a2c01", "7f3a2c01-", "-42", "7f3a2c0-42", "7f3a2c011-42",
                    "7F3A2C01-42", "7f3a2g01-42", "0x3a2c01-42", "7f3a2c01 42", "7f3a2c01_42",
                    "7f3a2c01--1", "7f3a2c01-+1", "7f3a2c01- 1", "7f3a2c01-1 ", " 7f3a2c01-1",
                    "7f3a2c01-1\n", "7f3a2c01-01", "7f3a2c01-00", "7f3a2c01-0x1", "7f3a2c01-1a",
                    "7f3a2c01-1.0", "7f3a2c01-18446744073709551616",
                    "7f3a2c01-99999999999999999999", "7f3a2c01-018446744073709551615",
                    "7f3a2c01-111111111111111111111", std::string_view("7f3a2c01-1\0", 11),
                    std::string_view("\0f3a2c01-1", 10), "7f3a2c01-\xd9\xa1"));

TEST(EventId, ZeroIsASeq) {
    EXPECT_EQ(parse_id("00000000-0"), (EventId{0, 0}));
}

}  // namespace
}  // namespace herald::ring
