// The JSON scanner: RFC 8259 and nothing else. RapidJSON, which shares no code with it, judges
// random texts beside it.
#include "sidecar/json_scan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <random>
#include <string>
#include <vector>

namespace herald::sidecar {
namespace {

using testing::Each;
using testing::ElementsAre;

using Names = std::vector<std::string_view>;

bool is_json(std::string_view text) {
    JsonScanner scanner;
    return scanner.scan(text, {});
}

// A member as a text: `=` and a string's value, or its kind and how it is written.
std::string shown(const JsonScanner& scanner, size_t i) {
    const std::string raw(scanner.raw(i));
    switch (scanner.member(i)) {
        case Member::Absent:
            return "absent" + raw;
        case Member::Number:
            return "number " + raw;
        case Member::Other:
            return "other " + raw;
        case Member::String:
            break;
    }
    std::string value;
    return unescape_json(raw, value) ? "=" + value : "lone surrogate";
}

std::vector<std::string> members_of(std::string_view text, const Names& names) {
    JsonScanner scanner;
    if (!scanner.scan(text, names))
        return {"not JSON"};
    std::vector<std::string> found;
    for (size_t i = 0; i < names.size(); ++i)
        found.push_back(shown(scanner, i));
    return found;
}

std::string member_of(std::string_view text, std::string_view name) {
    return members_of(text, {name}).front();
}

TEST(JsonScan, TakesEveryKindOfValue) {
    for (const char* text :
         {"{}", "[]", "\"\"", "0", "-0", "1.5", "-1.5e-7", "1E+9", "true", "false", "null",
          " \t\r\n{ \"a\" : [ 1 , { } , [ ] ] } \n", "{\"a\":1,\"a\":2}", "[[],{}]", "\"\\u0000\"",
          "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\uABCD\"", "\"\x7f\"", "\"\\ud800\""})
        EXPECT_TRUE(is_json(text)) << text;
}

TEST(JsonScan, TakesNumbersOfAnySize) {
    EXPECT_TRUE(is_json("1e999"));
    EXPECT_TRUE(is_json("-1e-99999999999999999999"));
    EXPECT_TRUE(is_json("123456789012345678901234567890"));
    EXPECT_TRUE(is_json(std::string(100'000, '9')));
    EXPECT_TRUE(is_json("0." + std::string(100'000, '1')));
}

TEST(JsonScan, RefusesWhatIsNoJson) {
    for (const char* text : {"",
                             " ",
                             "{",
                             "[",
                             "}",
                             "]",
                             "{\"a\"",
                             "{\"a\":",
                             "{\"a\":1",
                             "{\"a\":1,",
                             "{\"a\":1,}",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             "{\"a\" 1}",
                             "{a:1}",
                             "{'a':1}",
                             "{\"a\":1]",
                             "[1}",
                             "{} {}",
                             "1 2",
                             "{}x",
                             "nul",
                             "nulll",
                             "True",
                             "NaN",
                             "Infinity",
                             "-Infinity",
                             "-",
                             "+1",
                             "01",
                             "-01",
                             ".5",
                             "1.",
                             "1.e5",
                             "1e",
                             "1e+",
                             "0x10",
                             "1_000",
                             "\"",
                             "\"a",
                             "\"\\\"",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\u12g4\"",
                             "\"a\nb\"",
                             "\"\x01\"",
                             "\"\t\"",
                             "// c\n1",
                             "/* c */1",
                             "[1]//",
                             "\xef\xbb\xbf{}",
                             "{1:2}",
                             "{\"a\":}",
                             "{,}",
                             "[:]",
                             ",",
                             ":",
                             "\"a\":1",
                             "[\"a\":1]",
                             "{\"a\",1}",
                             "--1",
                             "tru"})
        EXPECT_FALSE(is_json(text)) << text;
}

TEST(JsonScan, RefusesNulBytesEverywhere) {
    using namespace std::string_view_literals;
    for (std::string_view text :
         {"\0"sv, "{}\0"sv, "\0{}"sv, "{}\0{}"sv, "[1\0]"sv, "\"a\0\""sv, "\"\\\0\""sv, "1\0"sv})
        EXPECT_FALSE(is_json(text));
}

TEST(JsonScan, NestsAsDeepAsTheTextIsLong) {
    const std::string open(1 << 20, '[');
    EXPECT_FALSE(is_json(open));
    EXPECT_TRUE(is_json(open + std::string(1 << 20, ']')));
    EXPECT_FALSE(is_json(open + std::string(1 << 20, '}')));
    std::string objects;
    for (int i = 0; i < 100'000; ++i)
        objects += "{\"a\":";
    EXPECT_FALSE(is_json(objects));
    EXPECT_TRUE(is_json(objects + "1" + std::string(100'000, '}')));
}

TEST(JsonScan, FindsATopLevelMember) {
    EXPECT_EQ(member_of(R"({"type":"a"})", "type"), "=a");
    EXPECT_EQ(member_of(R"({ "x" : [{"type":"no"}] , "type" : "a" })", "type"), "=a");
    EXPECT_EQ(member_of(R"({"x":{"type":"no"}})", "type"), "absent");
    EXPECT_EQ(member_of(R"([{"type":"no"}])", "type"), "absent");
    EXPECT_EQ(member_of(R"(["type","no"])", "type"), "absent");
    EXPECT_EQ(member_of(R"({"x":"type"})", "type"), "absent");
    EXPECT_EQ(member_of(R"({"Type":"a","typ":"b","types":"c"})", "type"), "absent");
    EXPECT_EQ(member_of(R"("type")", "type"), "absent");
}

TEST(JsonScan, FindsSeveralMembersInOnePass) {
    const Names names{"type", "id", "at", "none"};
    EXPECT_THAT(members_of(R"({"id":17,"x":{"at":1},"type":"a","at":null})", names),
                ElementsAre("=a", "number 17", "other null", "absent"));
    EXPECT_THAT(members_of("{}", names), ElementsAre("absent", "absent", "absent", "absent"));
    EXPECT_THAT(members_of(R"([{"id":1}])", names), Each("absent"));
}

TEST(JsonScan, FindsAMemberForEachOfTwoEqualNames) {
    EXPECT_THAT(members_of(R"({"id":[1],"b":2})", {"id", "b", "id"}),
                ElementsAre("other [1]", "number 2", "other [1]"));
}

TEST(JsonScan, NeverFindsAnEmptyName) {
    EXPECT_THAT(members_of(R"({"":"x","a":1})", {"", "a"}), ElementsAre("absent", "number 1"));
}

TEST(JsonScan, KeepsNothingOfTheScanBefore) {
    JsonScanner scanner;
    const Names names{"a", "b"};
    ASSERT_TRUE(scanner.scan(R"({"a":"x","b":{"c":1}})", names));
    ASSERT_FALSE(scanner.scan(R"({"a":"y","b":{)", names));
    ASSERT_TRUE(scanner.scan(R"([{"c":[]}])", names));
    EXPECT_EQ(shown(scanner, 0), "absent");
    EXPECT_EQ(shown(scanner, 1), "absent");
    ASSERT_FALSE(scanner.scan(R"({"a":)", names));
    ASSERT_TRUE(scanner.scan("1", names));
    EXPECT_EQ(shown(scanner, 0), "absent");
}

TEST(JsonScan, LetsTheLastOfDuplicateMembersWin) {
    EXPECT_EQ(member_of(R"({"type":"a","type":"b"})", "type"), "=b");
    EXPECT_EQ(member_of(R"({"type":"a","type":1})", "type"), "number 1");
    EXPECT_EQ(member_of(R"({"type":1,"type":"a"})", "type"), "=a");
    EXPECT_EQ(member_of(R"({"type":[2],"type":{},"x":[]})", "type"), "other {}");
}

TEST(JsonScan, GivesValuesAsTheyAreWritten) {
    for (const char* value : {"null", "true", "false", "[]", "{}", "[ \"a\", [1] ]",
                              "{\"type\" : {\"type\":\"a\"} }", "[[[]],{}]"})
        EXPECT_EQ(member_of("{\"x\":[], \"type\" : " + std::string(value) + " , \"y\":{}}", "type"),
                  "other " + std::string(value));
    for (const char* value : {"0", "-0", "1.50", "-1E+09", "123456789012345678901234567890"})
        EXPECT_EQ(member_of("{\"type\" : " + std::string(value) + " }", "type"),
                  "number " + std::string(value));
    EXPECT_EQ(member_of(R"({"type":""})", "type"), "=");
}

TEST(JsonScan, ReadsEscapesInNamesAndValues) {
    EXPECT_EQ(member_of(R"({"t\u0079pe":"\u0061\ud83d\ude00\n\/"})", "type"), "=a\U0001F600\n/");
    EXPECT_EQ(member_of(R"({"type":"\u00e9\u20ac"})", "type"), "=\u00e9\u20ac");
    EXPECT_EQ(member_of(R"({"a\"b":"x"})", "a\"b"), "=x");
    EXPECT_EQ(member_of(R"({"type":"\u0000"})", "type"), std::string("=\0", 2));
}

TEST(JsonScan, EndsAStringAtTheRightByteWhereverItIs) {
    for (size_t before = 0; before < 20; ++before) {
        const std::string plain(before, 'p');
        for (const char* after :
             {"", "\xc3\xa9", "!  # [", "\x7f\x80\xff", "\\\"", "\\\\\\u0020"}) {
            const std::string raw = plain + after + plain;
            const std::string text = "{\"type\":\"" + raw + "\",\"x\":\"\"}";
            JsonScanner scanner;
            ASSERT_TRUE(scanner.scan(text, Names{"type"})) << text;
            EXPECT_EQ(scanner.raw(0), raw);
        }
        for (const char* bad : {"\x1f", "\n", "\\x", "\\u123"})
            EXPECT_FALSE(is_json("\"" + plain + bad + plain + "\"")) << before << bad;
    }
}

TEST(JsonScan, GivesNoTextForLoneSurrogates) {
    for (const char* value : {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\n", "\\ud800\\ud800",
                              "\\ud800\\u0041", "a\\udfff"})
        EXPECT_EQ(member_of("{\"type\":\"" + std::string(value) + "\"}", "type"), "lone surrogate")
            << value;
}

bool is_json_to_rapidjson(std::string_view text, bool& undecided) {
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::BaseReaderHandler<> handler;
    rapidjson::Reader reader;
    const auto result = reader.Parse<rapidjson::kParseIterativeFlag>(stream, handler);
    // It refuses large numbers and lone surrogates, and takes a NUL byte for the end.
    undecided = result.Code() == rapidjson::kParseErrorNumberTooBig ||
                result.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid;
    return !result.IsError() && stream.Tell() == text.size();
}

TEST(JsonScan, AgreesWithRapidJsonOnRandomTexts) {
    const std::string seeds[] = {
        R"({"type":"progress","n":[1,-2.5e+3,0],"s":"a\"b\u00e9\\","o":{"x":null,"y":true}})",
        R"([[],{},[{"a":[false]}],"\ud83d\ude00",1e5 , 0.1 ])",
        R"("abcdefghijklmnopqrstuvwxyz\n\t")",
        "-123.456E-7",
    };
    constexpr std::string_view kBytes = "{}[]\",:\\/ \t\n0123456789-+.eEtrufalsnbd\x01\x1f\x7f";
    std::minstd_rand random(11);
    int accepted = 0;
    for (int i = 0; i < 300'000; ++i) {
        std::string text = seeds[random() % std::size(seeds)];
        for (size_t edits = random() % 4; edits > 0; --edits) {
            const size_t at = random() % text.size();
            const char byte = kBytes[random() % kBytes.size()];
            if (random() % 3 == 0)
                text.insert(at, 1, byte);
            else if (random() % 2 == 0 && text.size() > 1)
                text.erase(at, 1);
            else
                text[at] = byte;
        }
        bool undecided = false;
        const bool expected = is_json_to_rapidjson(text, undecided);
        if (undecided)
            continue;
        ASSERT_EQ(is_json(text), expected) << text;
        accepted += expected ? 1 : 0;
    }
    EXPECT_GT(accepted, 50'000);
}

}  // namespace
}  // namespace herald::sidecar
