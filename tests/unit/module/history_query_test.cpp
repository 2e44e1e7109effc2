// The polling endpoint's arguments, questions, ETags and JSON.
#include "history_query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace herald {
namespace {

namespace questions = ring::questions;

constexpr uint32_t kLog = 0x7f3a2c01;
constexpr int64_t kNineOClock = 1795251600'000'000;  // 2026-11-21T09:00:00Z

// -- arguments

HistoryQuery parsed(const HistoryArguments& arguments) {
    HistoryQuery query;
    EXPECT_EQ(parse_arguments(arguments, query), "");
    return query;
}
std::string complaint(const HistoryArguments& arguments) {
    HistoryQuery query;
    return std::string(parse_arguments(arguments, query));
}

TEST(HistoryArguments, MayAllBeMissing) {
    const HistoryQuery query = parsed({});
    EXPECT_EQ(query.since_us, std::nullopt);
    EXPECT_EQ(query.after, std::nullopt);
    EXPECT_EQ(query.limit, 100u);
}

TEST(HistoryArguments, TakeATimeInEveryFormThatAUrlGivesIt) {
    for (const char* since :
         {"2026-11-21T09:00:00Z", "2026-11-21T09%3a00%3A00Z", "2026-11-21T10:00:00+01:00",
          "2026-11-21T10:00:00%2B01:00", "2026-11-21%2009:00:00", "2026-11-21+09:00:00",
          "2026-11-21+10:00:00%2B01%3A00", "1795251600", "1795251600.000"})
        EXPECT_EQ(parsed({since}).since_us, kNineOClock) << since;
}

TEST(HistoryArguments, KeepTheTimeAsItWasGiven) {
    EXPECT_EQ(parsed({"2026-11-21T09%3A00:00Z"}).since, "2026-11-21T09:00:00Z");
    EXPECT_EQ(parsed({"2026-11-21T10:00:00+01:00"}).since, "2026-11-21T10:00:00+01:00");
}

TEST(HistoryArguments, RefuseWhatIsNoTime) {
    for (const char* since : {"yesterday", "2026-13-01T00:00:00Z", "%", "%00",
                              "2026-11-21T09:00:00Z%", "2026-11-21T09:00:00Zx", "%ff"})
        EXPECT_EQ(complaint({since}), "Invalid 'since' timestamp format. Use ISO 8601 format.")
            << since;
}

TEST(HistoryArguments, TakeAnIdAsAfter) {
    EXPECT_EQ(parsed({"", "7f3a2c01-42"}).after, (EventId{kLog, 42}));
    EXPECT_EQ(parsed({"", "7f3a2c01%2D42"}).after, (EventId{kLog, 42}));
}

TEST(HistoryArguments, RefuseWhatIsNoId) {
    for (const char* after : {"42", "7F3A2C01-42", "7f3a2c01-", "7f3a2c01-042", "7f3a2c01-42 "})
        EXPECT_EQ(complaint({"", after}),
                  "Invalid 'after': expected an event id such as 7f3a2c01-42.")
            << after;
}

TEST(HistoryArguments, TakeALimitUpToAThousand) {
    EXPECT_EQ(parsed({"", "", "1"}).limit, 1u);
    EXPECT_EQ(parsed({"", "", "1000"}).limit, 1000u);
    for (const char* limit : {"0", "1001", "-1", "+1", "1.5", "ten", "1 ", "99999999999999999999"})
        EXPECT_EQ(complaint({"", "", limit}), "Invalid 'limit': expected a number from 1 to 1000.")
            << limit;
}

// -- where `after` is

class HistoryPlace : public testing::Test {
  protected:
    std::array<uint32_t, 2> past_logs{0x0a0b0c0d, 0x01020304};
    LogView log{kLog, 100, past_logs};
};

TEST_F(HistoryPlace, IsTheStartWithoutAfter) {
    const Place place = place_of(std::nullopt, log);
    EXPECT_EQ(place.after_seq, 0u);
    EXPECT_EQ(place.gap, std::nullopt);
}

TEST_F(HistoryPlace, IsTheSeqOfAnIdOfTheLog) {
    for (uint64_t seq : {0u, 42u, 100u}) {
        const Place place = place_of(EventId{kLog, seq}, log);
        EXPECT_EQ(place.after_seq, seq);
        EXPECT_EQ(place.gap, std::nullopt);
    }
}

TEST_F(HistoryPlace, IsTheStartWithAGapForIdsOfOtherLogs) {
    EXPECT_EQ(place_of(EventId{0x01020304, 42}, log).gap, GapReason::Evicted);
    EXPECT_EQ(place_of(EventId{0x99999999, 42}, log).gap, GapReason::UnknownId);
    EXPECT_EQ(place_of(EventId{0x01020304, 42}, log).after_seq, 0u);
}

TEST_F(HistoryPlace, IsTheStartWithAGapForIdsThatHaveNotBeenGivenYet) {
    const Place place = place_of(EventId{kLog, 101}, log);
    EXPECT_EQ(place.gap, GapReason::UnknownId);
    EXPECT_EQ(place.after_seq, 0u);
}

// -- questions

TEST(HistoryQuestionOf, AnyReasonToGoOnIsForward) {
    for (const HistoryArguments& arguments :
         {HistoryArguments{"1795251600"}, HistoryArguments{"", "7f3a2c01-42"}}) {
        const auto question = make_question("jobs:1", parsed(arguments), {}, 100, 0);
        EXPECT_EQ(question.range.order, questions::Order::Forward);
    }
    const auto question = make_question("jobs:1", parsed({}), {}, 100, 0);
    EXPECT_EQ(question.range.order, questions::Order::Newest);
}

TEST(HistoryQuestionOf, SaysEverythingThatWasAsked) {
    const HistoryQuery query = parsed({"1795251600", "7f3a2c01-42", "7"});
    const auto question = make_question("jobs:1", query, {42, std::nullopt}, 100, 99);
    EXPECT_EQ(question.channels, std::vector<std::string>{"jobs:1"});
    EXPECT_EQ(question.range.limit, 7u);
    EXPECT_EQ(question.range.max_bytes, 4u << 20);
    EXPECT_EQ(question.range.notices, 0u);
    EXPECT_EQ(question.range.after_seq, 42u);
    EXPECT_EQ(question.range.up_to_seq, 100u);
    EXPECT_EQ(question.range.since_us, kNineOClock);
    EXPECT_EQ(question.range.known_seq, 99u);
}

TEST(HistoryQuestionOf, HasNoTimeWhereNoneWasGiven) {
    EXPECT_EQ(make_question("jobs:1", parsed({}), {}, 100, 0).range.since_us, INT64_MIN);
}

// -- answers

class HistoryAnswers : public testing::Test {
  protected:
    // An answer with these events, seqs counted up from 41.
    std::string answer(const std::vector<std::string>& events) {
        header.count = static_cast<uint32_t>(events.size());
        std::string bytes;
        questions::append_bytes(bytes, header);
        uint64_t seq = 41;
        for (const std::string& data : events) {
            questions::HistoryItem item;
            item.seq = seq++;
            questions::append_item(bytes, item, "jobs:1", "progress", data);
        }
        return bytes;
    }
    std::string json(const std::vector<std::string>& events, const HistoryQuery& query = {},
                     const Place& place = {}) {
        const std::string bytes = answer(events);
        HistoryPage page;
        EXPECT_TRUE(decode_page(bytes, page));
        return history_json(query, place, kLog, page, 1795251600007);
    }

    questions::HistoryAnswer header{.status = questions::HistoryStatus::Found};
};

TEST_F(HistoryAnswers, ShowEventsByteForByte) {
    EXPECT_EQ(json({R"({ "b" : 1.50,"a":"\u00b5"})", "7", R"("text")"}),
              R"({"events":[{ "b" : 1.50,"a":"\u00b5"},7,"text"],"count":3,"has_more":false,)"
              R"("last_event_id":"7f3a2c01-43","since":null,"timestamp":1795251600.007})");
}

TEST_F(HistoryAnswers, MayBeEmpty) {
    EXPECT_EQ(json({}), R"({"events":[],"count":0,"has_more":false,"last_event_id":null,)"
                        R"("since":null,"timestamp":1795251600.007})");
}

TEST_F(HistoryAnswers, SayThatThereIsMore) {
    header.more = 1;
    EXPECT_THAT(json({"1"}), testing::HasSubstr(R"("has_more":true)"));
}

TEST_F(HistoryAnswers, RepeatTheTimeAsAString) {
    HistoryQuery query;
    query.since = "1795251600";
    EXPECT_THAT(json({}, query), testing::HasSubstr(R"("since":"1795251600",)"));
}

TEST_F(HistoryAnswers, TellTheGapBeforeTheOldestThereIs) {
    HistoryQuery query;
    query.after = EventId{0x0a0b0c0d, 5};
    header.lost_seq = 40;
    EXPECT_THAT(json({"1"}, query, {0, GapReason::Evicted}),
                testing::EndsWith(R"(,"gap":{"type":"gap","reason":"evicted",)"
                                  R"("from":"0a0b0c0d-5","to":"7f3a2c01-40"}})"));
    EXPECT_THAT(json({"1"}, query, {0, GapReason::UnknownId}),
                testing::HasSubstr(R"("reason":"unknown_id")"));
}

TEST_F(HistoryAnswers, TellTheGapThatPruningHasLeftBehindAfter) {
    header.lost_seq = 40;
    EXPECT_THAT(json({"1"}), testing::Not(testing::HasSubstr("gap")));
    HistoryQuery query;
    query.after = EventId{kLog, 5};
    EXPECT_THAT(json({"1"}, query, {5, std::nullopt}),
                testing::EndsWith(R"(,"gap":{"type":"gap","reason":"evicted",)"
                                  R"("from":"7f3a2c01-5","to":"7f3a2c01-40"}})"));
    header.lost_seq = 0;
    EXPECT_THAT(json({"1"}, query, {5, std::nullopt}), testing::Not(testing::HasSubstr("gap")));
}

TEST_F(HistoryAnswers, HaveEventsAlone) {
    std::string bytes = answer({"1"});
    questions::HistoryItem notice;
    notice.seq = 42;
    notice.kind = ring::Kind::RedisBack;
    questions::append_item(bytes, notice, "", "", "");
    header.count = 2;
    bytes.replace(0, sizeof header, reinterpret_cast<const char*>(&header), sizeof header);
    HistoryPage page;
    ASSERT_TRUE(decode_page(bytes, page));
    EXPECT_EQ(page.events.size(), 1u);
}

TEST_F(HistoryAnswers, DoNotDecodeCutShort) {
    const std::string bytes = answer({R"({"n":1})", "2"});
    HistoryPage page;
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_page(std::string_view(bytes).substr(0, size), page)) << size;
}

TEST_F(HistoryAnswers, DoNotDecodeWithBytesLeft) {
    HistoryPage page;
    EXPECT_FALSE(decode_page(answer({"1"}) + "x", page));
}

TEST_F(HistoryAnswers, DoNotDecodeWithACountThatNothingBacks) {
    header.status = questions::HistoryStatus::Found;
    std::string bytes = answer({});
    header.count = UINT32_MAX;
    bytes.replace(0, sizeof header, reinterpret_cast<const char*>(&header), sizeof header);
    HistoryPage page;
    EXPECT_FALSE(decode_page(bytes, page));
}

// -- tags

TEST(HistoryTag, IsFoundAgain) {
    const std::string tag = make_tag({kLog, 42}, 0x1234);
    EXPECT_EQ(tag, "W/\"7f3a2c01-42-1234\"");
    EXPECT_EQ(find_tag(tag, 0x1234), (EventId{kLog, 42}));
}

TEST(HistoryTag, IsFoundAmongOthersAndWithoutItsWeakness) {
    EXPECT_EQ(find_tag(R"("x", W/"7f3a2c01-41-9" ,"7f3a2c01-42-1234")", 0x1234),
              (EventId{kLog, 42}));
}

TEST(HistoryTag, BelongsToItsArguments) {
    EXPECT_EQ(find_tag(make_tag({kLog, 42}, 0x1234), 0x1235), std::nullopt);
}

TEST(HistoryTag, IsNotFoundInGarbage) {
    for (const char* text :
         {"", "*", "\"", "\"\"", "W/\"-\"", "W/\"7f3a2c01-42\"", "W/\"7f3a2c01-42-1234",
          "7f3a2c01-42-1234", "W/\"7f3a2c01-42-01234\"", "W/\"7f3a2c01-42-1234 \""})
        EXPECT_EQ(find_tag(text, 0x1234), std::nullopt) << text;
}

TEST(HistoryTag, TellsQueriesApart) {
    const HistoryQuery plain = parsed({});
    const uint64_t hash = hash_query("jobs:1", plain);
    EXPECT_EQ(hash_query("jobs:1", parsed({"", "", "100"})), hash);
    EXPECT_NE(hash_query("jobs:2", plain), hash);
    EXPECT_NE(hash_query("jobs:1", parsed({"", "", "99"})), hash);
    EXPECT_NE(hash_query("jobs:1", parsed({"1795251600"})), hash);
    EXPECT_NE(hash_query("jobs:1", parsed({"", "7f3a2c01-42"})), hash);
    EXPECT_NE(hash_query("jobs:1", parsed({"1795251600"})),
              hash_query("jobs:1", parsed({"1795251601"})));
}

}  // namespace
}  // namespace herald
