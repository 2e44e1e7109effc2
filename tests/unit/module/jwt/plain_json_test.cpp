// What is plain is read as jansson reads it; everything else is left to jansson.
#include "jwt/plain_json.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace herald::jwt {
namespace {

using namespace std::string_view_literals;

Json by_jansson(std::string_view text) {
    return Json(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, nullptr));
}

TEST(PlainJson, ReadsPlainObjectsAsJanssonDoes) {
    for (
        std::string_view text : {
            "{}"sv,
            " \t\r\n{ } "sv,
            R"({"a":"","":1,"b":"x"})"sv,
            R"({"iss":"https://issuer.example/","aud":["a","b"],"exp":4102444800,"iat":1700000000})"sv,
            R"({ "a" : { "b" : [ 1 , -2 , [ ] , { } ] } , "c" : true , "d" : false , "e" : null })"sv,
            R"({"zero":0,"minus":-7,"long":999999999999999999,"short":-999999999999999999})"sv,
            R"({"eight":"12345678","nine":"123456789","seven":"1234567"})"sv,
        }) {
        const Json plain = read_plain_object(text);
        ASSERT_NE(plain, nullptr) << text;
        EXPECT_TRUE(json_equal(plain.get(), by_jansson(text).get())) << text;
    }
}

// Each of these jansson either reads too, by other ways, or refuses.
TEST(PlainJson, LeavesEverythingElseToJansson) {
    for (std::string_view text : {""sv,
                                  " "sv,
                                  "{"sv,
                                  "}"sv,
                                  "[]"sv,
                                  "1"sv,
                                  "\"a\""sv,
                                  "{}}"sv,
                                  "{}x"sv,
                                  "{},"sv,
                                  "\xef\xbb\xbf{}"sv,
                                  "{}\0"sv,
                                  "{\"a\":1,}"sv,
                                  "{,}"sv,
                                  "{\"a\"}"sv,
                                  "{\"a\":}"sv,
                                  "{\"a\" 1}"sv,
                                  "{a:1}"sv,
                                  "{'a':1}"sv,
                                  "{\"a\":1 \"b\":2}"sv,
                                  "{\"a\":1"sv,
                                  "{\"a\":[1,]}"sv,
                                  "{\"a\":[1 2]}"sv,
                                  "{\"a\":[1}"sv,
                                  "{\"a\":tru}"sv,
                                  "{\"a\":True}"sv,
                                  "{\"a\":truth}"sv,
                                  "{\"a\":nul"sv,
                                  "{\"a\":01}"sv,
                                  "{\"a\":-}"sv,
                                  "{\"a\":-01}"sv,
                                  "{\"a\":+1}"sv,
                                  "{\"a\":1.5}"sv,
                                  "{\"a\":1e3}"sv,
                                  "{\"a\":1E3}"sv,
                                  "{\"a\":1\0}"sv,
                                  "{\"a\":1234567890123456789}"sv,
                                  "{\"a\":12345678901234567890}"sv,
                                  "{\"a\":0x1}"sv,
                                  "{\"a\":NaN}"sv,
                                  "{\"a\":\"\\n\"}"sv,
                                  "{\"a\\u0062\":1}"sv,
                                  "{\"a\":\"\xc3\xa4\"}"sv,
                                  "{\"a\":\"1234567\xff\"}"sv,
                                  "{\"a\":\"tab\there\"}"sv,
                                  "{\"a\":\"nul\0here\"}"sv,
                                  "{\"a\":\"open}"sv,
                                  "{\"a\":1,\"a\":1}"sv,
                                  "{\"a\":{\"b\":1,\"b\":2}}"sv,
                                  "{\"a\":[[[[[[[[[1]]]]]]]]]}"sv,
                                  "{\"a\":1}/**/"sv,
                                  "{\"a\":1}{}"sv}) {
        EXPECT_EQ(read_plain_object(text), nullptr) << text;
    }
}

TEST(PlainJson, FindsWhatEndsAStringAtEveryPlace) {
    for (size_t length = 0; length < 40; ++length) {
        const std::string before(length, 'x');
        const Json plain = read_plain_object("{\"a\":\"" + before + "\",\"b\":1}");
        ASSERT_NE(plain, nullptr) << length;
        EXPECT_EQ(string_member(plain.get(), "a"), before);
        for (unsigned c = 0; c < 256; ++c) {
            const bool fine = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
            const std::string text =
                "{\"a\":\"" + before + static_cast<char>(c) + "yyyyyyyy\",\"b\":1}";
            EXPECT_EQ(read_plain_object(text) != nullptr, fine) << length << ", byte " << c;
        }
    }
}

// A cut text is never read beyond its end, nor taken for a whole one.
TEST(PlainJson, RefusesEveryPartOfAnObject) {
    const std::string whole =
        R"({"iss":"https://a.example","list":[1,true,null,{"x":"y"}],"n":-12})";
    ASSERT_NE(read_plain_object(whole), nullptr);
    for (size_t length = 0; length < whole.size(); ++length) {
        const std::string part = whole.substr(0, length);  // of its own, so that sanitizers see
        EXPECT_EQ(read_plain_object(part), nullptr) << part;
    }
}

}  // namespace
}  // namespace herald::jwt
