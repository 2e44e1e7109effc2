// Text that becomes the inside of a JSON string, and the data of gaps.
#include <gtest/gtest.h>

#include "encoding.hpp"

namespace herald {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    append_json_text(out, text);
    return out;
}

// --- JSON text ---

TEST(JsonText, KeepsPlainText) {
    EXPECT_EQ(escaped("jobs:1 / {x}"), "jobs:1 / {x}");
    EXPECT_EQ(escaped(""), "");
}

TEST(JsonText, EscapesQuotesAndBackslashes) {
    EXPECT_EQ(escaped(R"(a"b\c)"), R"(a\"b\\c)");
}

TEST(JsonText, EscapesControlCharacters) {
    EXPECT_EQ(escaped(std::string_view("\0\t\n\r\x1f\x7f", 6)),
              R"(\u0000\u0009\u000a\u000d\u001f\u007f)");
}

TEST(JsonText, KeepsUtf8) {
    EXPECT_EQ(escaped("\xc2\x80 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"),
              "\xc2\x80 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf");
}

class NoUtf8 : public testing::TestWithParam<std::string_view> {};

// Every byte that belongs to no character becomes one U+FFFD.
TEST_P(NoUtf8, BecomesReplacementCharacters) {
    std::string expected = "a";
    for (size_t i = 0; i < GetParam().size(); ++i)
        expected += "\xef\xbf\xbd";
    EXPECT_EQ(escaped("a" + std::string(GetParam()) + "b"), expected + "b");
}

INSTANTIATE_TEST_SUITE_P(Bytes, NoUtf8,
                         testing::Values("\x80",              // a continuation alone
                                         "\xff",              // never a byte of UTF-8
                                         "\xc0\xaf",          // overlong
                                         "\xe0\x80\xaf",      // overlong
                                         "\xed\xa0\x80",      // a surrogate
                                         "\xf4\x90\x80\x80",  // above U+10FFFF
                                         "\xe2\x82",          // cut short
                                         "\xf0\x9f\x98"));

TEST(JsonText, ReplacesACharacterCutAtTheEnd) {
    EXPECT_EQ(escaped("a\xe2\x82"), "a\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(JsonText, GoesOnBehindABadByte) {
    EXPECT_EQ(escaped("\xe2\"\xc3\xa9"), "\xef\xbf\xbd\\\"\xc3\xa9");
}

// --- Gaps ---

TEST(GapData, NamesBothEnds) {
    EXPECT_EQ(gap_data(GapReason::Trimmed, EventId{0x7f3a2c01, 42}, EventId{0x7f3a2c01, 57}),
              R"({"type":"gap","reason":"trimmed","from":"7f3a2c01-42","to":"7f3a2c01-57"})");
}

TEST(GapData, HasNullWhereTheStartIsUnknown) {
    EXPECT_EQ(gap_data(GapReason::Evicted, std::nullopt, EventId{1, 2}),
              R"({"type":"gap","reason":"evicted","from":null,"to":"00000001-2"})");
}

TEST(GapData, NamesEveryReason) {
    EXPECT_EQ(name_of(GapReason::Evicted), "evicted");
    EXPECT_EQ(name_of(GapReason::Trimmed), "trimmed");
    EXPECT_EQ(name_of(GapReason::Redis), "redis");
    EXPECT_EQ(name_of(GapReason::UnknownId), "unknown_id");
}

}  // namespace
}  // namespace herald
