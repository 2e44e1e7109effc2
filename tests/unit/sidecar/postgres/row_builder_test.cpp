#include "sidecar/postgres/row_builder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace herald::sidecar::postgres {
namespace {

Feed feed(const std::vector<std::pair<std::string, std::string>>& columns) {
    Feed feed{.name = "jobs", .channels = ChannelPattern("jobs:{tenant}:{id}")};
    feed.table.emplace();
    feed.table->name = {"t"};
    for (const auto& [name, source] : columns)
        feed.table->columns.push_back({name, parse_source(source, feed.channels.part_names())});
    return feed;
}

JournalEntry event(std::string_view data, std::string_view name = "") {
    JournalEntry entry;
    entry.id = {0x7f3a2c01, 42};
    entry.at_ms = 1763719200123;
    entry.channel = "jobs:acme:7:x";
    entry.event = name;
    entry.data = data;
    return entry;
}

std::string row(const Feed& feed, const JournalEntry& entry) {
    RowBuilder builder(feed);
    std::string out = "before";
    return builder.append_row(out, entry) ? out : out + " alone";
}

TEST(RowBuilder, TakesMembersAsTheyStandInTheEvent) {
    const Feed map = feed({{"a", "n"}, {"b", "state.s"}, {"c", "state"}, {"d", "none"}});
    EXPECT_EQ(row(map, event(R"({"n":1.50,"state":{"s":"\u00e9"}})")),
              R"(before{"a":1.50,"b":"\u00e9","c":{"s":"\u00e9"}})");
}

TEST(RowBuilder, TakesWhatIsAroundTheEvent) {
    const Feed map = feed({{"a", "$id"},
                           {"b", "$seq"},
                           {"c", "$channel"},
                           {"d", "$event"},
                           {"e", "$at"},
                           {"f", "$data"},
                           {"g", "${id}"},
                           {"h", "${tenant}"}});
    EXPECT_EQ(row(map, event("[1, 2]", "done \"x\"")),
              R"(before{"a":"7f3a2c01-42","b":42,"c":"jobs:acme:7:x","d":"done \"x\"",)"
              R"("e":"2025-11-21T10:00:00.123Z","f":[1, 2],"g":"7:x","h":"acme"})");
}

TEST(RowBuilder, TakesTheTimeAsHistorySeesIt) {
    Feed map = feed({{"a", "$time"}});
    EXPECT_EQ(row(map, event(R"({"ts":"2026-11-21T10:00:00.123456Z"})")),
              R"(before{"a":"2025-11-21T10:00:00.123000Z"})");
    map.time = "ts";
    EXPECT_EQ(row(map, event(R"({"ts":"2026-11-21T11:00:00.123456+01:00"})")),
              R"(before{"a":"2026-11-21T10:00:00.123456Z"})");
    EXPECT_EQ(row(map, event(R"({"ts":"soon"})")), R"(before{"a":"2025-11-21T10:00:00.123000Z"})");
}

TEST(RowBuilder, KeepsTheBytesOfAnEventInAString) {
    const Feed map = feed({{"a", "$data"}, {"b", "$data"}});
    RowBuilder builder(map);
    builder.keep_bytes_of("b");
    std::string out;
    ASSERT_TRUE(builder.append_row(out, event(R"({"x":"\u0000 \"µ\""})")));
    EXPECT_EQ(out, R"({"a":{"x":"\u0000 \"µ\""},"b":"{\"x\":\"\\u0000 \\\"µ\\\"\"}"})");
}

TEST(RowBuilder, LeavesOutWhatTheEventHasNot) {
    const Feed map = feed({{"a", "$event"}, {"b", "x"}, {"c", "y"}});
    EXPECT_EQ(row(map, event("7")), "before{}");
    EXPECT_EQ(row(map, event(R"({"y":null})")), R"(before{"c":null})");
}

TEST(RowBuilder, QuotesNamesOfColumns) {
    EXPECT_EQ(row(feed({{"a \"b\" \\", "x"}}), event(R"({"x":1})")), R"(before{"a \"b\" \\":1})");
}

TEST(RowBuilder, MakesNoRowOfNoticesAndOthersChannels) {
    const Feed map = feed({{"a", "$id"}});
    JournalEntry other = event("1");
    other.channel = "other:1";
    EXPECT_EQ(row(map, other), "before alone");
    JournalEntry notice = event("");
    notice.kind = ring::Kind::RedisLost;
    EXPECT_EQ(row(map, notice), "before alone");
}

}  // namespace
}  // namespace herald::sidecar::postgres
