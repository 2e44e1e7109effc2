// The journal's lines: one spelling for an entry, and nothing else is a line.
#include "sidecar/journal_entry.hpp"

#include <gtest/gtest.h>

#include <string>

namespace herald::sidecar {
namespace {

std::string line_of(const JournalEntry& entry) {
    std::string out;
    append_line(out, entry);
    EXPECT_EQ(out.back(), '\n');
    out.pop_back();
    return out;
}

JournalEntry event() {
    return {ring::Kind::Event, true,     {0x7f3a2c01, 42}, 0,
            1795255200123,     "jobs:1", "done",           R"({"ok":true})"};
}

bool is_line(const std::string& text) {
    LineParser parser;
    JournalEntry entry;
    return parser.parse(text, entry);
}

void expect_round_trip(const JournalEntry& entry) {
    const std::string line = line_of(entry);
    LineParser parser;
    JournalEntry parsed;
    ASSERT_TRUE(parser.parse(line, parsed)) << line;
    EXPECT_EQ(parsed.kind, entry.kind);
    EXPECT_EQ(parsed.ends, entry.ends);
    EXPECT_EQ(parsed.id, entry.id);
    EXPECT_EQ(parsed.from_seq, entry.from_seq);
    EXPECT_EQ(parsed.at_ms, entry.at_ms);
    EXPECT_EQ(parsed.channel, entry.channel);
    EXPECT_EQ(parsed.event, entry.event);
    EXPECT_EQ(parsed.data, entry.data);
}

TEST(JournalEntry, IsWrittenAsDocumented) {
    EXPECT_EQ(line_of(event()),
              R"({"id":"7f3a2c01-42","at":"2026-11-21T10:00:00.123Z","channel":"jobs:1",)"
              R"("event":"done","end":true,"data":{"ok":true}})");
    EXPECT_EQ(
        line_of({ring::Kind::RedisBack, false, {0x7f3a2c01, 44}, 43, 1795255202000, "", "", ""}),
        R"({"id":"7f3a2c01-44","at":"2026-11-21T10:00:02.000Z","notice":"redis_back",)"
        R"("from":"7f3a2c01-43"})");
}

TEST(JournalEntry, ComesBackAsItWas) {
    JournalEntry entry = event();
    expect_round_trip(entry);
    entry.event = "";
    expect_round_trip(entry);
    entry.ends = false;
    expect_round_trip(entry);
    entry.event = "progress";
    expect_round_trip(entry);
    for (const char* data :
         {"0", "\"x\"", " { \"a\" : [ ] } ", "null", "\"\\u0000\\n\"", "\"ü€😀\""}) {
        entry.data = data;
        expect_round_trip(entry);
    }
}

TEST(JournalEntry, EscapesQuotesAndBackslashesInNames) {
    JournalEntry entry = event();
    entry.channel = R"(\"a\\"b"\)";
    entry.event = R"("")";
    expect_round_trip(entry);
    entry.channel = "größe:€";
    expect_round_trip(entry);
    entry.channel = std::string_view("\\");
    expect_round_trip(entry);
}

TEST(JournalEntry, IsJsonEvenWithControlCharactersButThenNoLine) {
    JournalEntry entry = event();
    entry.channel = "a\nb\x1f";
    const std::string line = line_of(entry);
    EXPECT_NE(line.find(R"("channel":"a\u000ab\u001f")"), line.npos);
    EXPECT_FALSE(is_line(line));
}

TEST(JournalEntry, HasEveryNotice) {
    expect_round_trip({ring::Kind::RedisLost, false, {1, 7}, 0, 5, "", "", ""});
    expect_round_trip({ring::Kind::RedisBack, false, {1, 7}, 6, 5, "", "", ""});
    expect_round_trip({ring::Kind::Away, false, {1, 7}, 0, 5, "", "", ""});
    expect_round_trip({ring::Kind::Gap, false, {1, 7}, 0, 5, "", "", ""});
    expect_round_trip({ring::Kind::Gap, false, {1, 1000000}, 41, 5, "", "", ""});
}

TEST(JournalEntry, KeepsEveryMillisecond) {
    JournalEntry entry = event();
    for (uint64_t ms : {uint64_t{0}, uint64_t{999}, uint64_t{951782399999}, uint64_t{951782400000},
                        uint64_t{1709164800001}, uint64_t{253402300799999}}) {
        entry.at_ms = ms;
        expect_round_trip(entry);
    }
    entry.at_ms = UINT64_MAX;
    EXPECT_NE(line_of(entry).find("\"9999-12-31T23:59:59.999Z\""), std::string::npos);
}

TEST(JournalEntry, SaysWhereTheDataIs) {
    std::string out = "what was before\n";
    const LineParts parts = append_line(out, event());
    EXPECT_EQ(out.substr(parts.data, 11), R"({"ok":true})");
}

TEST(LineParser, RefusesALineThatIsCutAnywhere) {
    for (JournalEntry entry :
         {event(), JournalEntry{ring::Kind::Gap, false, {1, 9}, 4, 5, "", "", ""}}) {
        const std::string line = line_of(entry);
        for (size_t length = 0; length < line.size(); ++length)
            EXPECT_FALSE(is_line(line.substr(0, length))) << length;
        for (size_t begin = 1; begin < line.size(); ++begin)
            EXPECT_FALSE(is_line(line.substr(begin))) << begin;
    }
}

// Whatever one byte becomes: what still parses is a line that we would write.
TEST(LineParser, KnowsOneSpellingOnly) {
    for (JournalEntry entry :
         {event(), JournalEntry{ring::Kind::RedisBack, false, {1, 9}, 4, 5, "", "", ""}}) {
        const std::string line = line_of(entry);
        int refused = 0;
        for (size_t at = 0; at < line.size(); ++at) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string flipped = line;
                flipped[at] = static_cast<char>(byte);
                LineParser parser;
                JournalEntry parsed;
                if (parser.parse(flipped, parsed))
                    EXPECT_EQ(line_of(parsed), flipped);
                else
                    ++refused;
            }
        }
        EXPECT_GT(refused, static_cast<int>(line.size()) * 150);
    }
}

TEST(LineParser, RefusesWhatOnlyLooksLikeALine) {
    const std::string line = line_of(event());
    const auto with = [&line](std::string_view old, std::string_view fresh) {
        std::string changed = line;
        changed.replace(changed.find(old), old.size(), fresh);
        return changed;
    };
    EXPECT_TRUE(is_line(with("01-42", "01-1")));
    EXPECT_TRUE(is_line(with("01-42", "01-9223372036854775807")));
    EXPECT_FALSE(is_line(with("01-42", "01-9223372036854775808")));
    EXPECT_FALSE(is_line(with("01-42", "01-0")));
    EXPECT_FALSE(is_line(with("01-42", "01-042")));
    EXPECT_FALSE(is_line(with("7f3a", "7F3A")));
    EXPECT_FALSE(is_line(with("11-21", "11-31")));
    EXPECT_FALSE(is_line(with("11-21", "02-29")));
    EXPECT_FALSE(is_line(with("T10", "T24")));
    EXPECT_FALSE(is_line(with("2026", "1969")));
    EXPECT_FALSE(is_line(with("\"channel\":", "\"channel\": ")));
    EXPECT_FALSE(is_line(with("jobs:1", "")));
    EXPECT_FALSE(is_line(with("jobs:1", std::string(1025, 'x'))));
    EXPECT_FALSE(is_line(with("jobs:1", "jobs:\xff")));
    EXPECT_FALSE(is_line(with("jobs:1", "jobs\\u003a1")));
    EXPECT_FALSE(is_line(with("done", std::string(256, 'x'))));
    EXPECT_FALSE(is_line(with("\"end\":true", "\"end\":false")));
    EXPECT_FALSE(is_line(with("true}}", "tru}}")));
    EXPECT_FALSE(is_line(with("{\"ok\":true}", "")));
    EXPECT_FALSE(is_line(with("{\"ok\":true}", "{\"ok\":\rtrue}")));
    EXPECT_FALSE(is_line(with("{\"ok\":true}", "\"\xc3\x28\"")));
    EXPECT_FALSE(is_line(line + " "));
    EXPECT_FALSE(is_line(line + "\n"));
}

TEST(LineParser, RefusesANoticeFromElsewhere) {
    const std::string head = R"({"id":"00000001-9","at":"2026-11-21T10:00:00.123Z","notice":")";
    EXPECT_TRUE(is_line(head + R"(gap","from":"00000001-8"})"));
    EXPECT_FALSE(is_line(head + R"(gap","from":"00000001-9"})"));
    EXPECT_FALSE(is_line(head + R"(gap","from":"00000002-8"})"));
    EXPECT_FALSE(is_line(head + R"(gap"})"));
    EXPECT_FALSE(is_line(head + R"(away","from":"00000001-8"})"));
    EXPECT_FALSE(is_line(head + R"(lost"})"));
}

TEST(LeadingSeq, NeedsOnlyTheStartOfALine) {
    EXPECT_EQ(leading_seq(R"({"id":"7f3a2c01-42","at")"), 42u);
    EXPECT_EQ(leading_seq(R"({"id":"7f3a2c01-42)"), std::nullopt);
    EXPECT_EQ(leading_seq(R"({"id":"7f3a2c01-)"), std::nullopt);
    EXPECT_EQ(leading_seq(R"({"id":"7f3a2c01-x")"), std::nullopt);
    EXPECT_EQ(leading_seq(R"({"id":"7f3a2c01-99999999999999999999")"), std::nullopt);
    EXPECT_EQ(leading_seq(std::string(100, '\0')), std::nullopt);
    EXPECT_EQ(leading_seq(""), std::nullopt);
}

}  // namespace
}  // namespace herald::sidecar
