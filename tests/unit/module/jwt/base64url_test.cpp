// base64url against RFC 4648, section 10, and RFC 7515, appendix C; and what is refused.
#include "jwt/base64url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace herald::jwt {
namespace {

bool decodes(std::string_view text) {
    std::string bytes;
    return decode_base64url(text, bytes);
}

TEST(Base64url, WritesAndReadsTheExamplesOfTheRfcs) {
    using namespace std::string_view_literals;
    const std::pair<std::string_view, std::string_view> examples[] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        {"\x03\xec\xff\xe0\xc1"sv, "A-z_4ME"}};
    for (const auto& [bytes, text] : examples) {
        EXPECT_EQ(encode_base64url(bytes), text);
        std::string decoded = "old";
        EXPECT_TRUE(decode_base64url(text, decoded)) << text;
        EXPECT_EQ(decoded, bytes);
    }
}

TEST(Base64url, ReadsWhatItWroteForEveryPairOfBytes) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string bytes{static_cast<char>(first), static_cast<char>(second)};
            std::string decoded;
            if (!decode_base64url(encode_base64url(bytes), decoded) || decoded != bytes)
                FAIL() << first << ' ' << second;
        }
    }
}

TEST(Base64url, RefusesAForeignCharacterWhereverItStands) {
    const std::string good = encode_base64url("some bytes, as many as it takes.");
    for (size_t at = 0; at < good.size(); ++at) {
        for (const char foreign : {'+', '/', '=', '.', ' ', '\0', '\xc3'}) {
            std::string text = good;
            text[at] = foreign;
            EXPECT_FALSE(decodes(text)) << at;
        }
    }
}

TEST(Base64url, ReadsEachSequenceOfBytesFromOneTextAlone) {
    // All texts of two characters: 256 bytes, so 256 of the 65536 decode.
    unsigned good = 0;
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second)
            good += decodes(std::string{static_cast<char>(first), static_cast<char>(second)});
    }
    EXPECT_EQ(good, 256u);
}

TEST(Base64url, RefusesPadding) {
    for (std::string_view text : {"Zg==", "Zm8=", "Zm9v=", "="})
        EXPECT_FALSE(decodes(text)) << text;
}

TEST(Base64url, RefusesTheOrdinaryAlphabetAndWhitespace) {
    for (std::string_view text : {"A+z/", "Zm9 v", " Zm9v", "Zm9v\n", "Zm\r\n9v", "Zm9v\t"})
        EXPECT_FALSE(decodes(text)) << text;
}

TEST(Base64url, RefusesALengthThatNoBytesHave) {
    for (std::string_view text : {"A", "Zm9vY", "Zm9vYmFyA"})
        EXPECT_FALSE(decodes(text)) << text;
}

TEST(Base64url, RefusesBitsThatBelongToNoByte) {
    for (std::string_view text : {"Zh", "Zn", "Zm9", "Zm-", "Zm9vYh"})
        EXPECT_FALSE(decodes(text)) << text;
}

TEST(Base64url, RefusesNulAndBytesAboveAscii) {
    using namespace std::string_view_literals;
    for (std::string_view text : {"Zm9\0"sv, "Zm\xc3\xa9"sv, "\xff\xff\xff\xff"sv})
        EXPECT_FALSE(decodes(text));
}

}  // namespace
}  // namespace herald::jwt
