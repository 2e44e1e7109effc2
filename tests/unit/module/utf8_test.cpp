// Utf8 against RFC 3629: what is text, what is not, and how early that is known. Every text is fed
// whole and byte by byte; both must agree.
#include "ring/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace herald::ring {
namespace {

enum class Verdict { Text, Cut, Invalid };

Verdict judge(std::string_view text, size_t piece) {
    Utf8 utf8;
    for (size_t at = 0; at < text.size(); at += piece) {
        const std::string_view part = text.substr(at, piece);
        if (!utf8.feed(reinterpret_cast<const unsigned char*>(part.data()), part.size()))
            return Verdict::Invalid;
    }
    return utf8.complete() ? Verdict::Text : Verdict::Cut;
}

Verdict judge(std::string_view text) {
    const Verdict whole = judge(text, text.size() + 1);
    EXPECT_EQ(whole, judge(text, 1)) << "byte by byte";
    EXPECT_EQ(whole, judge(text, 3)) << "three bytes at a time";
    return whole;
}

// The RFC's definition, straight from code points: the reference for the exhaustive tests.
std::string encode(uint32_t point) {
    auto tail = [point](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x80)
        return {static_cast<char>(point)};
    if (point < 0x800)
        return {static_cast<char>(0xc0 | point >> 6), tail(0)};
    if (point < 0x10000)
        return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
    return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

// RFC 3629, section 7.
TEST(Utf8, AcceptsTheExamplesOfTheRfc) {
    EXPECT_EQ(judge("\x41\xe2\x89\xa2\xce\x91\x2e"), Verdict::Text);
    EXPECT_EQ(judge("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4"), Verdict::Text);
    EXPECT_EQ(judge("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"), Verdict::Text);
    EXPECT_EQ(judge("\xef\xbb\xbf\xf0\xa3\x8e\xb4"), Verdict::Text);
}

TEST(Utf8, AcceptsEveryCodePointButSurrogates) {
    for (uint32_t point = 0; point <= 0x10ffff; ++point) {
        const bool surrogate = point >= 0xd800 && point <= 0xdfff;
        const Verdict expected = surrogate ? Verdict::Invalid : Verdict::Text;
        const std::string text = encode(point);
        if (judge(text, 8) != expected || judge(text, 1) != expected)
            FAIL() << std::hex << point;
    }
}

TEST(Utf8, RejectsWhatLiesAboveTheLastCodePoint) {
    EXPECT_EQ(judge("\xf4\x90\x80\x80"), Verdict::Invalid);
    EXPECT_EQ(judge("\xf5\x80\x80\x80"), Verdict::Invalid);
    EXPECT_EQ(judge("\xf8\x88\x80\x80\x80"), Verdict::Invalid);
}

TEST(Utf8, RejectsOverlongForms) {
    for (std::string_view text : {"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
                                  "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf"})
        EXPECT_EQ(judge(text), Verdict::Invalid);
}

TEST(Utf8, RejectsAContinuationWithoutALead) {
    EXPECT_EQ(judge("\x80"), Verdict::Invalid);
    EXPECT_EQ(judge("a\xbfz"), Verdict::Invalid);
}

TEST(Utf8, RejectsALeadWithoutItsContinuation) {
    EXPECT_EQ(judge("\xc3("), Verdict::Invalid);
    EXPECT_EQ(judge("\xe2\x82("), Verdict::Invalid);
    EXPECT_EQ(judge("\xf0\x9f\x98\xc3"), Verdict::Invalid);
}

TEST(Utf8, AgreesWithTheDefinitionOnEveryPairOfBytes) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string pair{static_cast<char>(first), static_cast<char>(second)};
            const bool two_characters = first < 0x80 && second < 0x80;
            const bool one_character =
                first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf;
            const bool text = judge(pair, 2) == Verdict::Text;
            if (text != (two_characters || one_character) || judge(pair, 1) != judge(pair, 2))
                FAIL() << std::hex << first << ' ' << second;
        }
    }
}

TEST(Utf8, IsNotCompleteInsideACharacter) {
    EXPECT_EQ(judge("\xc3"), Verdict::Cut);
    EXPECT_EQ(judge("a\xe2\x82"), Verdict::Cut);
    EXPECT_EQ(judge("\xf0\x9f\x98"), Verdict::Cut);
}

TEST(Utf8, IsCompleteWhenEmpty) {
    EXPECT_EQ(judge(""), Verdict::Text);
}

TEST(Utf8, ReportsTheFirstByteThatCannotLeadToText) {
    Utf8 utf8;
    const unsigned char lead = 0xed, surrogate = 0xa0;
    EXPECT_TRUE(utf8.feed(&lead, 1));
    EXPECT_FALSE(utf8.feed(&surrogate, 1));
}

TEST(Utf8, StaysInvalidUntilReset) {
    Utf8 utf8;
    const unsigned char bad = 0xff, good = 'a';
    EXPECT_FALSE(utf8.feed(&bad, 1));
    EXPECT_FALSE(utf8.feed(&good, 1));
    EXPECT_FALSE(utf8.complete());
    utf8.reset();
    EXPECT_TRUE(utf8.feed(&good, 1));
    EXPECT_TRUE(utf8.complete());
}

TEST(Utf8, SeesABadByteAnywhereInLongAscii) {
    for (size_t length = 1; length < 40; ++length) {
        for (size_t at = 0; at < length; ++at) {
            std::string text(length, 'x');
            text[at] = '\xff';
            EXPECT_EQ(judge(text), Verdict::Invalid) << at << " of " << length;
        }
    }
}

TEST(Utf8Sequence, IsTheLengthOfTheFirstCharacter) {
    EXPECT_EQ(utf8_sequence("ab"), 1u);
    EXPECT_EQ(utf8_sequence("\xc3\xa9!"), 2u);
    EXPECT_EQ(utf8_sequence("\xe2\x82\xac!"), 3u);
    EXPECT_EQ(utf8_sequence("\xf0\x9f\x98\x80!"), 4u);
}

TEST(Utf8Sequence, IsZeroWhereNoCharacterStarts) {
    for (std::string_view text : {"", "\x80", "\xe2\x82", "\xc0\xaf", "\xff"})
        EXPECT_EQ(utf8_sequence(text), 0u);
}

TEST(IsUtf8, JudgesAWholeText) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f"));
    EXPECT_FALSE(is_utf8("gr\xc3"));
    EXPECT_FALSE(is_utf8("\xff"));
}

}  // namespace
}  // namespace herald::ring
