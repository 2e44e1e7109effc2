#include "sidecar/cli/selection.hpp"

#include <gtest/gtest.h>

namespace herald::cli {
namespace {

constexpr std::string_view kGap =
    R"({"type":"gap","reason":"redis","from":null,"to":"7f3a2c01-9"})";

Sort sort(const Received& received, bool first = false) {
    Sorter sorter;
    return sorter.sort(received, first);
}

TEST(Sorter, TakesAnyJsonForAnEvent) {
    for (const char* data :
         {R"({"event": "job.updated"})", "[]", "1", "null", R"("{}")", "[{}]", R"({"":0})"})
        EXPECT_EQ(sort({.data = data}), Sort::Event) << data;
}

TEST(Sorter, TakesEmptyObjectsAndNothingForKeepalives) {
    EXPECT_EQ(sort({.data = "{}"}), Sort::Keepalive);
    EXPECT_EQ(sort({.data = ""}), Sort::Keepalive);
}

TEST(Sorter, KnowsAGapByItsMembers) {
    Sorter sorter;
    EXPECT_EQ(sorter.sort({.data = kGap, .event = "gap", .id = "7f3a2c01-9"}, true), Sort::Gap);
    EXPECT_EQ(sorter.gap_reason(), "redis");
    EXPECT_EQ(sort({.data = kGap}), Sort::Gap) << "over a transport without names";
}

TEST(Sorter, LeavesWhatOnlyLooksLikeAGap) {
    EXPECT_EQ(sort({.data = kGap, .event = "other"}), Sort::Event);
    EXPECT_EQ(sort({.data = kGap, .id = "7f3a2c01-9"}), Sort::Event)
        << "a gap has a name beside an id";
    EXPECT_EQ(sort({.data = R"({"gap":1})", .event = "gap"}), Sort::Event);
    EXPECT_EQ(sort({.data = R"({"type":"gap"})"}), Sort::Event);
}

TEST(Sorter, TakesAGreetingOnlyAtTheStartAndWithoutAnId) {
    const Received named{.data = R"({"bom_id":"b"})", .event = "connected"};
    const Received unnamed{.data = R"({"ts":1,"type":"connected"})"};
    EXPECT_EQ(sort(named, true), Sort::Greeting);
    EXPECT_EQ(sort(unnamed, true), Sort::Greeting);
    EXPECT_EQ(sort(named, false), Sort::Event);
    EXPECT_EQ(sort(unnamed, false), Sort::Event);
    EXPECT_EQ(sort({.data = unnamed.data, .id = "7f3a2c01-9"}, true), Sort::Event);
    EXPECT_EQ(sort({.data = unnamed.data, .event = "progress"}, true), Sort::Event);
    EXPECT_EQ(sort({.data = R"({"type":"started"})"}, true), Sort::Event);
}

TEST(Sorter, TakesAGreetingOfAnyText) {
    EXPECT_EQ(sort({.data = "hello", .event = "connected"}, true), Sort::Greeting);
}

TEST(Sorter, KnowsWhatIsNoJson) {
    for (const char* data : {"hello", "{", "{} {}", "'a'", "\"\xff\""})
        EXPECT_EQ(sort({.data = data}), Sort::NotJson) << data;
}

TEST(Sorter, KnowsWhatWasTooLong) {
    EXPECT_EQ(sort({.too_long = true}, true), Sort::TooLong);
}

}  // namespace
}  // namespace herald::cli
