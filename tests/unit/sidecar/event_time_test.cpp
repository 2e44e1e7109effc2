// When an event happened: by its member, else by its arrival.
#include "sidecar/event_time.hpp"

#include <gtest/gtest.h>

#include <string>

namespace herald::sidecar {
namespace {

constexpr uint64_t kArrivalMs = 1'795'255'200'123;
constexpr int64_t kArrivalUs = 1'795'255'200'123'000;

int64_t time_of(std::string_view data, std::string member = "at") {
    Feed feed{"runs", ChannelPattern("run:{id}")};
    feed.time = std::move(member);
    JsonScanner scanner;
    return event_time_us(scanner, feed, data, kArrivalMs);
}

TEST(EventTime, IsWhatTheMemberSays) {
    EXPECT_EQ(time_of(R"({"at":"1970-01-01T00:00:01.000002Z"})"), 1'000'002);
    EXPECT_EQ(time_of(R"({"x":{"at":7},"at":"1970-01-01T01:00:00+01:00"})"), 0);
    EXPECT_EQ(time_of(R"({"at":1.5})"), 1'500'000);
    EXPECT_EQ(time_of(R"({"at":"1.5"})"), 1'500'000);
    EXPECT_EQ(time_of(R"({"at":-2})"), -2'000'000);
    EXPECT_EQ(time_of(R"({"at":1,"at":2})"), 2'000'000);
}

TEST(EventTime, IsReadThroughEscapes) {
    EXPECT_EQ(time_of(R"({"at":"1970-01-01T00:00:00\u002b00:00"})"), 0);
    EXPECT_EQ(time_of(R"({"\u0061t":"\u0035"})"), 5'000'000);
}

TEST(EventTime, IsTheTimeOfArrivalWhereTheMemberIsNone) {
    for (const char* data :
         {"{}", "[1]", "7", R"({"at":null})", R"({"at":true})", R"({"at":[1]})", R"({"at":{}})",
          R"({"at":""})", R"({"at":"soon"})", R"({"at":1e9})", R"({"at":1763719200123})",
          R"({"at":"\ud800"})", R"({"at":"2026-02-30"})", R"({"AT":1})", "not JSON", ""})
        EXPECT_EQ(time_of(data), kArrivalUs) << data;
}

TEST(EventTime, IsTheTimeOfArrivalWhereTheFeedHasNoMember) {
    EXPECT_EQ(time_of(R"({"":1,"at":1})", ""), kArrivalUs);
}

}  // namespace
}  // namespace herald::sidecar
