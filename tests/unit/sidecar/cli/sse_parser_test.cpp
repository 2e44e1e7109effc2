// Event streams by the rules of WHATWG HTML, section 9.2.6; its own examples first. Each stream is
// read whole and in pieces of every size.
#include "sidecar/cli/sse_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace herald::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Seen {
    std::string data{};
    std::string event{};
    std::string id{};
    std::string last_id{};
    bool too_long = false;
    bool operator==(const Seen&) const = default;
};

void PrintTo(const Seen& seen, std::ostream* out) {
    *out << "{data " << seen.data << ", event " << seen.event << ", id " << seen.id << ", last id "
         << seen.last_id << (seen.too_long ? ", too long}" : "}");
}

struct Read {
    std::vector<Seen> events{};
    std::string last_id{};
    std::optional<uint64_t> retry_ms{};
    bool operator==(const Read&) const = default;
};

Read read_in_pieces(std::string_view stream, size_t piece, size_t max_event) {
    SseParser parser("", max_event);
    Read read;
    for (size_t at = 0; at < stream.size(); at += piece) {
        parser.feed(stream.substr(at, piece), [&](const Received& event) {
            read.events.push_back({std::string(event.data), std::string(event.event),
                                   std::string(event.id), parser.last_id(), event.too_long});
            return true;
        });
    }
    read.last_id = parser.last_id();
    read.retry_ms = parser.retry_ms();
    return read;
}

Read read(std::string_view stream, size_t max_event = SseParser::kMaxEvent) {
    const Read whole = read_in_pieces(stream, stream.size(), max_event);
    for (size_t piece = 1; piece < stream.size(); ++piece)
        EXPECT_EQ(read_in_pieces(stream, piece, max_event), whole) << "in pieces of " << piece;
    return whole;
}

std::vector<std::string> data_of(std::string_view stream) {
    std::vector<std::string> all;
    for (const Seen& seen : read(stream).events)
        all.push_back(seen.data);
    return all;
}

TEST(SseParser, JoinsTheDataOfSeveralLines) {
    EXPECT_THAT(data_of("data: YHOO\ndata: +2\ndata: 10\n\n"), ElementsAre("YHOO\n+2\n10"));
}

TEST(SseParser, ReadsTheStandardsExampleOfFourBlocks) {
    const Read got = read(
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
        "event\n\n");
    EXPECT_THAT(got.events,
                ElementsAre(Seen{"first event", "", "1", "1"}, Seen{"second event", "", "", ""},
                            Seen{" third event", "", "", ""}));
}

TEST(SseParser, GivesEmptyDataButNotWhereThereIsNoneAndNotWhatIsCutOff) {
    EXPECT_THAT(data_of("data\n\ndata\ndata\n\ndata:"), ElementsAre("", "\n"));
}

TEST(SseParser, TakesOneSpaceBehindTheColonAndNoMore) {
    EXPECT_THAT(data_of("data:test\n\ndata: test\n\ndata:  test\n\n"),
                ElementsAre("test", "test", " test"));
}

TEST(SseParser, EndsLinesWithLfCrAndCrLf) {
    EXPECT_THAT(data_of("data: 1\n\ndata: 2\r\rdata: 3\r\n\r\ndata: 4\r\n\ndata: 5\n\r\n"),
                ElementsAre("1", "2", "3", "4", "5"));
}

TEST(SseParser, DoesNotWaitForWhatFollowsACr) {
    SseParser parser;
    size_t events = 0;
    parser.feed("data: 1\r\r", [&](const Received&) { return ++events > 0; });
    EXPECT_EQ(events, 1u);
    parser.feed("\ndata: 2\r\n\r", [&](const Received&) { return ++events > 0; });
    EXPECT_EQ(events, 2u);
    parser.feed("\n\n\n", [&](const Received&) { return ++events > 0; });
    EXPECT_EQ(events, 2u);
}

TEST(SseParser, LeavesOutOneByteOrderMarkAtTheStart) {
    EXPECT_THAT(data_of("\xef\xbb\xbf"
                        "data: 1\n\n"),
                ElementsAre("1"));
    EXPECT_THAT(data_of("\xef\xbb\xbf\xef\xbb\xbf"
                        "data: 1\n\n"),
                IsEmpty());
    EXPECT_THAT(data_of("\n\xef\xbb\xbf"
                        "data: 1\n\n"),
                IsEmpty());
}

TEST(SseParser, SkipsCommentsAndFieldsThatItDoesNotKnow) {
    EXPECT_THAT(data_of(": keepalive\n\n:\n\nDATA: 1\n data: 2\ndata : 3\nfoo\ndata: 4\n\n"),
                ElementsAre("4"));
}

TEST(SseParser, NamesOnlyTheEventThatTheNameIsPartOf) {
    const Read got = read("event: a\nevent: b\ndata: 1\n\ndata: 2\n\nevent: c\n\ndata: 3\n\n");
    EXPECT_THAT(got.events,
                ElementsAre(Seen{"1", "b", "", ""}, Seen{"2", "", "", ""}, Seen{"3", "", "", ""}));
}

TEST(SseParser, KeepsTheLastIdForTheEventsBehindIt) {
    const Read got = read("id: 7-1\ndata: 1\n\ndata: 2\n\nid: 7-3\n\ndata: 4\n\n");
    EXPECT_THAT(got.events, ElementsAre(Seen{"1", "", "7-1", "7-1"}, Seen{"2", "", "", "7-1"},
                                        Seen{"4", "", "", "7-3"}));
}

TEST(SseParser, CountsTheIdOfABlockWithoutDataButNotOfOneThatIsCutOff) {
    EXPECT_EQ(read("id: 1\ndata: x\n\nid: 2\n\n").last_id, "2");
    EXPECT_EQ(read("id: 1\ndata: x\n\nid: 2\ndata: y\n").last_id, "1");
}

TEST(SseParser, IgnoresAnIdWithNul) {
    using namespace std::string_literals;
    EXPECT_EQ(read("id: 1\ndata: x\n\nid: 2\0\n\n"s).last_id, "1");
}

TEST(SseParser, StartsWithTheIdOfTheConnectionBefore) {
    SseParser parser("7-1");
    EXPECT_EQ(parser.last_id(), "7-1");
    parser.feed("data: x\n\n", [](const Received& event) { return event.id.empty(); });
    EXPECT_EQ(parser.last_id(), "7-1");
}

TEST(SseParser, TakesARetryOfDigitsAlone) {
    EXPECT_EQ(read("retry: 3000\n\n").retry_ms, 3000u);
    EXPECT_EQ(read("retry: 10\nretry: 20").retry_ms, 10u);
    EXPECT_EQ(read("retry: 0\n").retry_ms, 0u);
    for (const char* bad : {"retry: \n", "retry\n", "retry: -1\n", "retry: 1.5\n", "retry: 1s\n",
                            "retry:  1\n", "retry: 1 \n"})
        EXPECT_EQ(read(bad).retry_ms, std::nullopt) << bad;
    EXPECT_EQ(read("retry: 99999999999999999999999\n").retry_ms, UINT64_MAX);
}

TEST(SseParser, StopsWhereItIsToldTo) {
    SseParser parser;
    size_t events = 0;
    EXPECT_FALSE(parser.feed("id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n",
                             [&](const Received&) { return ++events == 0; }));
    EXPECT_EQ(events, 1u);
    EXPECT_EQ(parser.last_id(), "1");
}

TEST(SseParser, StepsOverAnEventThatIsTooLongAndKeepsItsId) {
    const Read got = read("data: 12345678\nid: 1\n\ndata: 123456789\nid: 2\n\ndata: 3\n\n", 8);
    EXPECT_THAT(got.events, ElementsAre(Seen{"12345678", "", "1", "1"},
                                        Seen{"", "", "2", "2", true}, Seen{"3", "", "", "2"}));
}

TEST(SseParser, BoundsTheLinesOfAnEventTogether) {
    EXPECT_THAT(read("data: 1234\ndata: 1234\n\ndata: 5\n\n", 8).events,
                ElementsAre(Seen{"", "", "", "", true}, Seen{"5", "", "", ""}));
}

TEST(SseParser, CountsTheLineEndsInsideOfAnEvent) {
    EXPECT_THAT(read("data: 123\ndata: 4567\n\ndata\ndata\n\n", 8).events,
                ElementsAre(Seen{"123\n4567", "", "", ""}, Seen{"\n", "", "", ""}));
    EXPECT_THAT(read("data\ndata\n\n", 0).events, ElementsAre(Seen{"", "", "", "", true}));
}

TEST(SseParser, DoesNotCountAByteOrderMark) {
    EXPECT_THAT(read("\xef\xbb\xbf"
                     "data:\n\ndata: 1\n\n",
                     0)
                    .events,
                ElementsAre(Seen{"", "", "", ""}, Seen{"", "", "", "", true}));
    EXPECT_THAT(read("\xef\xbb\xbf"
                     "data: 12345678\n\n",
                     8)
                    .events,
                ElementsAre(Seen{"12345678", "", "", ""}));
}

TEST(SseParser, IsNotLostInALongComment) {
    EXPECT_THAT(read(":" + std::string(100, 'x') + "\ndata: 1\n\n", 8).events,
                ElementsAre(Seen{"1", "", "", ""}));
}

}  // namespace
}  // namespace herald::cli
