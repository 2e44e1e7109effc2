// Which bytes are UTF-8, at every offset of the fast path.
#include "sidecar/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace herald::sidecar {
namespace {

struct Case {
    const char* what;
    std::string bytes;
    bool valid;
};

const Case kCases[] = {
    {"ASCII", "a", true},
    {"NUL", std::string(1, '\0'), true},
    {"two bytes, lowest", "\xc2\x80", true},
    {"two bytes, highest", "\xdf\xbf", true},
    {"three bytes, lowest", "\xe0\xa0\x80", true},
    {"before the surrogates", "\xed\x9f\xbf", true},
    {"after the surrogates", "\xee\x80\x80", true},
    {"three bytes, highest", "\xef\xbf\xbf", true},
    {"four bytes, lowest", "\xf0\x90\x80\x80", true},
    {"U+10FFFF", "\xf4\x8f\xbf\xbf", true},
    {"a lone continuation", "\x80", false},
    {"overlong NUL", "\xc0\x80", false},
    {"overlong slash", "\xc1\xaf", false},
    {"overlong in three", "\xe0\x9f\xbf", false},
    {"a high surrogate", "\xed\xa0\x80", false},
    {"a low surrogate", "\xed\xbf\xbf", false},
    {"overlong in four", "\xf0\x8f\xbf\xbf", false},
    {"above U+10FFFF", "\xf4\x90\x80\x80", false},
    {"a lead that no one has", "\xf5\x80\x80\x80", false},
    {"0xff", "\xff", false},
    {"cut after one of two", "\xc3", false},
    {"cut after two of three", "\xe2\x82", false},
    {"cut after three of four", "\xf0\x9f\x98", false},
    {"a letter for a continuation", "\xe2\x82x", false},
};

TEST(Utf8, TellsCharactersFromOtherBytesWhereverTheyStand) {
    for (const Case& c : kCases) {
        for (size_t before = 0; before < 18; ++before) {
            for (size_t after : {0, 1, 7, 8, 9}) {
                const std::string text =
                    std::string(before, 'a') + c.bytes + std::string(after, 'b');
                EXPECT_EQ(is_utf8(text), c.valid) << c.what << " at " << before;
            }
        }
    }
}

TEST(Utf8, TakesTheEmptyText) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_EQ(utf8_character(""), 0u);
}

TEST(Utf8, AgreesWithTheDefinitionForEveryPairOfBytes) {
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            const std::string text{static_cast<char>(a), static_cast<char>(b)};
            const bool pair = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;
            EXPECT_EQ(is_utf8(text), pair || (a < 0x80 && b < 0x80)) << a << " " << b;
        }
    }
}

TEST(Utf8, FindsControlCharacters) {
    EXPECT_FALSE(has_control_characters("orders:7 \xc3\xa9"));
    for (const char* text : {"\x01", "a\nb", "a\r", "\t", "\x7f", "\x1f"})
        EXPECT_TRUE(has_control_characters(text));
    EXPECT_TRUE(has_control_characters(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace herald::sidecar
