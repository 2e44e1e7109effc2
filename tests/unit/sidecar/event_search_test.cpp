// Which events a search finds, by what is in them.
#include "sidecar/event_search.hpp"

#include <gtest/gtest.h>

namespace herald::sidecar {
namespace {

using ring::questions::HistorySearch;

bool finds(const HistorySearch& search, std::string_view data, std::string_view event = "") {
    EventSearch inside(search);
    const bool found = inside.matches(event, data);
    EXPECT_EQ(inside.matches(event, data), found) << "the second time: " << data;
    return found;
}

constexpr std::string_view kFailed =
    R"({"ts":"2026-11-21T10:00:00Z","type":"stage_failed","stage":"script","status":"failed",)"
    R"("message":"Out of Memory","payload":{"type":"x","message":"inner"}})";

TEST(EventSearch, ForNothingFindsEverything) {
    for (const char* data : {"1", "{}", R"({"type":1})", "[]", ""})
        EXPECT_TRUE(finds({}, data)) << data;
}

TEST(EventSearch, FindsMembersThatAreEqual) {
    EXPECT_TRUE(finds({.types = {"stage_failed"}}, kFailed));
    EXPECT_TRUE(finds({.stages = {"script"}}, kFailed));
    EXPECT_TRUE(finds({.statuses = {"failed"}}, kFailed));
    EXPECT_FALSE(finds({.types = {"stage"}}, kFailed));
    EXPECT_FALSE(finds({.types = {"Stage_failed"}}, kFailed));
    EXPECT_FALSE(finds({.stages = {"script "}}, kFailed));
    EXPECT_FALSE(finds({.statuses = {"stage_failed"}}, kFailed));
}

TEST(EventSearch, TakesAlternativesOfOneMemberAndAllMembersTogether) {
    EXPECT_TRUE(finds({.types = {"job_failed", "stage_failed"}}, kFailed));
    EXPECT_TRUE(finds({.types = {"job_failed", "stage_failed"}, .statuses = {"failed"}}, kFailed));
    EXPECT_FALSE(finds({.types = {"stage_failed"}, .statuses = {"running"}}, kFailed));
    EXPECT_FALSE(finds({.types = {"stage_failed"}, .text = "disk"}, kFailed));
}

TEST(EventSearch, LooksAtTheTopLevelAlone) {
    EXPECT_FALSE(finds({.types = {"x"}}, kFailed));
    EXPECT_FALSE(finds({.text = "inner"}, kFailed));
    EXPECT_FALSE(finds({.types = {"x"}}, R"([{"type":"x"}])"));
    EXPECT_FALSE(finds({.types = {"x"}}, R"("x")"));
}

TEST(EventSearch, FallsBackToEventTypeAndThenToTheName) {
    EXPECT_TRUE(finds({.types = {"a"}}, R"({"event_type":"a"})", "name"));
    EXPECT_TRUE(finds({.types = {"a"}}, R"({"event_type":"b","type":"a"})", "name"));
    EXPECT_FALSE(finds({.types = {"b"}}, R"({"event_type":"b","type":"a"})", "name"));
    EXPECT_TRUE(finds({.types = {"a"}}, R"({"event_type":"a","type":null})", "name"));
    EXPECT_TRUE(finds({.types = {"name"}}, R"({"x":1})", "name"));
    EXPECT_TRUE(finds({.types = {"name"}}, R"({"type":7})", "name"));
    EXPECT_TRUE(finds({.types = {"name"}}, "7", "name"));
    EXPECT_FALSE(finds({.types = {"name"}}, R"({"event_type":"a"})", "name"));
}

TEST(EventSearch, WhatIsNoStringIsNotThere) {
    EXPECT_FALSE(finds({.stages = {"1"}}, R"({"stage":1})"));
    EXPECT_FALSE(finds({.statuses = {"null"}}, R"({"status":null})"));
    EXPECT_FALSE(finds({.text = "a"}, R"({"message":["a"]})"));
    EXPECT_FALSE(finds({.text = "a"}, R"({})"));
}

TEST(EventSearch, FindsAPartOfTheMessageInEitherCase) {
    for (const char* text : {"Out of Memory", "out OF mem", "y", "MEMORY", " of "})
        EXPECT_TRUE(finds({.text = text}, kFailed)) << text;
    for (const char* text : {"Out of Memory!", "outof", "memo ry"})
        EXPECT_FALSE(finds({.text = text}, kFailed)) << text;
}

TEST(EventSearch, LettersBeyondAsciiAreExact) {
    EXPECT_TRUE(finds({.text = "\u00c4R"}, R"({"message":"\u00c4rger"})"));
    EXPECT_TRUE(finds({.text = "\u00c4r"}, "{\"message\":\"\u00c4rger\"}"));
    EXPECT_FALSE(finds({.text = "\u00e4r"}, "{\"message\":\"\u00c4rger\"}"));
}

TEST(EventSearch, ComparesDecoded) {
    EXPECT_TRUE(finds({.types = {"a/b"}}, R"({"type":"a\/b"})"));
    EXPECT_TRUE(finds({.types = {"\u00b5"}}, R"({"type":"\u00b5"})"));
    EXPECT_TRUE(finds({.types = {"\u00b5"}}, R"({"t\u0079pe":"\u00b5"})"));
    EXPECT_TRUE(finds({.text = "say \"HI\"\n"}, R"({"message":"they say \"hi\"\n"})"));
    EXPECT_FALSE(finds({.text = "u00b5"}, R"({"message":"\u00b5"})"));
    EXPECT_TRUE(finds({.text = std::string("\0x", 2)}, R"({"message":"a\u0000X"})"));
}

TEST(EventSearch, HalfASurrogatePairEqualsNothing) {
    EXPECT_FALSE(finds({.types = {"a"}}, R"({"type":"a\ud800"})", "a"));
    EXPECT_FALSE(finds({.text = "a"}, R"({"message":"a\ud800"})"));
}

TEST(EventSearch, CostsNoMoreWhereTheTextAlmostIsThereOverAndOver) {
    const std::string data = R"({"message":")" + std::string(1 << 20, 'a') + R"("})";
    EXPECT_FALSE(finds({.text = std::string(255, 'a') + "b"}, data));
    EXPECT_TRUE(finds({.text = std::string(256, 'A')}, data));
}

}  // namespace
}  // namespace herald::sidecar
