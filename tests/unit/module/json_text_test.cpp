// JSON as text: members as they were written, and what is JSON at all.
#include "json_text.hpp"

#include <gtest/gtest.h>

namespace herald {
namespace {

// --- What is JSON ---

TEST(IsJson, TakesOneValueOfAnyKind) {
    for (const char* text : {"{}", "[1,2]", "\"a\"", "7", "true", "null", " {\"a\":1}\r\n"})
        EXPECT_TRUE(is_json(text)) << text;
}

TEST(IsJson, RefusesEverythingElse) {
    for (const char* text : {"", " ", "<html>", "{\"a\":1", "{} {}", "{'a':1}", "\"\xff\"", "nul"})
        EXPECT_FALSE(is_json(text)) << text;
}

TEST(IsJson, TakesNumbersThatNoIntegerHolds) {
    EXPECT_TRUE(is_json("12345678901234567890123"));
}

// --- Members ---

TEST(JsonMember, IsWhatWasWritten) {
    const std::string_view text = R"( { "a" : 1.50 , "b":{"x":[1,"}"]}, "c":"q\"}," ,"d":null})";
    EXPECT_EQ(json_member(text, "a"), "1.50");
    EXPECT_EQ(json_member(text, "b"), R"({"x":[1,"}"]})");
    EXPECT_EQ(json_member(text, "c"), R"("q\"},")");
    EXPECT_EQ(json_member(text, "d"), "null");
}

TEST(JsonMember, IsAViewOfTheText) {
    const std::string_view text = R"({"a":1,"b":null})";
    EXPECT_EQ(json_member(text, "b")->data(), text.data() + 11);
}

TEST(JsonMember, IsNoneWhereThereIsNone) {
    EXPECT_EQ(json_member(R"({"a":1})", "b"), std::nullopt);
    EXPECT_EQ(json_member("{}", "a"), std::nullopt);
    EXPECT_EQ(json_member(R"(["a"])", "a"), std::nullopt);
    EXPECT_EQ(json_member(R"("a")", "a"), std::nullopt);
}

TEST(JsonMember, OfAnotherObjectDoesNotCount) {
    EXPECT_EQ(json_member(R"({"inner":{"a":1},"list":[{"a":2}],"text":"\"a\":3"})", "a"),
              std::nullopt);
}

TEST(JsonMember, TheLastOfSeveralCounts) {
    EXPECT_EQ(json_member(R"({"a":1,"b":2,"a":null})", "a"), "null");
}

TEST(JsonMember, HasItsNameInItsOwnCase) {
    EXPECT_EQ(json_member(R"({"Name":1})", "name"), std::nullopt);
}

TEST(JsonMemberAnyCase, PrefersTheExactName) {
    EXPECT_EQ(json_member_any_case(R"({"userId":1})", "userid"), "1");
    EXPECT_EQ(json_member_any_case(R"({"userId":1,"userid":2,"USERID":3})", "userid"), "2");
}

// --- As plain text ---

TEST(PlainText, IsWhatAStringSays) {
    EXPECT_EQ(plain_text(R"("a\u00e9\n\"")"), "a\xc3\xa9\n\"");
}

TEST(PlainText, IsEmptyForNullAndTheTextOfAnythingElse) {
    EXPECT_EQ(plain_text("null"), "");
    EXPECT_EQ(plain_text("1.50"), "1.50");
    EXPECT_EQ(plain_text(R"({"a":1})"), R"({"a":1})");
}

TEST(MakeOneLine, TurnsLineEndsIntoSpaces) {
    std::string text = "{\r\n\"a\":\n1}\r";
    make_one_line(text);
    EXPECT_EQ(text, "{  \"a\": 1} ");
}

}  // namespace
}  // namespace herald
