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

TEST(HistoryArguments, TakeUntilInTheFormsOfSince) {
    for (const char* until :
         {"2026-11-21T09:00:00Z", "2026-11-21+10:00:00%2B01%3A00", "1795251600"})
        EXPECT_EQ(parsed({.until = until}).search.until_us, kNineOClock) << until;
    EXPECT_EQ(complaint({.until = "tomorrow"}),
              "Invalid 'until' timestamp format. Use ISO 8601 format.");
    EXPECT_EQ(parsed({}).search.until_us, INT64_MAX);
}

TEST(HistoryArguments, TakeTextsAsFormsWriteThem) {
    EXPECT_EQ(parsed({.text = "out+of%20memory%2b"}).search.text, "out of memory+");
    EXPECT_EQ(parsed({.text = "%C3%84"}).search.text, "\u00c4");
    EXPECT_EQ(parsed({.types = {"b", "a%2Fb", "b"}}).search.types,
              (std::vector<std::string>{"a/b", "b"}));
    EXPECT_EQ(parsed({.stages = {"s"}}).search.stages, std::vector<std::string>{"s"});
    EXPECT_EQ(parsed({.statuses = {"s"}}).search.statuses, std::vector<std::string>{"s"});
}

TEST(HistoryArguments, RefuseTextsThatAreTooLongOrTooManyOrNone) {
    const std::string longest(256, 'x'), longer(257, 'x');
    EXPECT_EQ(parsed({.text = longest}).search.text, longest);
    for (const std::string& text : {longer, std::string("%ff"), std::string("%c3")}) {
        EXPECT_EQ(complaint({.text = text}), "Invalid 'q': expected 1 to 256 bytes of UTF-8.");
        EXPECT_EQ(complaint({.types = {"a", text}}),
                  "Invalid 'type': expected at most 16 of up to 256 bytes of UTF-8 each.");
        EXPECT_EQ(complaint({.stages = {text}}),
                  "Invalid 'stage': expected at most 16 of up to 256 bytes of UTF-8 each.");
        EXPECT_EQ(complaint({.statuses = {text}}),
                  "Invalid 'status': expected at most 16 of up to 256 bytes of UTF-8 each.");
    }
    const std::string letters = "abcdefghijklmnopq";
    HistoryArguments many;
    for (size_t i = 0; i < 16; ++i)
        many.types.push_back(std::string_view(letters).substr(i, 1));
    EXPECT_EQ(parsed(many).search.types.size(), 16u);
    many.types.push_back("a");
    EXPECT_EQ(parsed(many).search.types.size(), 16u) << "a repeat is no other";
    many.types.push_back("q");
    EXPECT_NE(complaint(many), "");
}

TEST(HistoryArguments, TakeAnIdAsBefore) {
    EXPECT_EQ(parsed({.before = "7f3a2c01-42"}).before, (EventId{kLog, 42}));
    EXPECT_EQ(complaint({.before = "42"}),
              "Invalid 'before': expected an event id such as 7f3a2c01-42.");
}

TEST(HistoryArguments, AreFoundInTheQueryString) {
    const HistoryArguments arguments = split_arguments(
        "x=1&since=1&SINCE=2&after=3&limit=&limit=4&until=5&before=6&q=a=b&q=c&type=d&Type=e&type=&"
        "stage=f&status=g&&=&typ=h&types=i&token=j&type");
    EXPECT_EQ(arguments.since, "1");
    EXPECT_EQ(arguments.after, "3");
    EXPECT_EQ(arguments.limit, "");
    EXPECT_EQ(arguments.until, "5");
    EXPECT_EQ(arguments.before, "6");
    EXPECT_EQ(arguments.text, "a=b");
    EXPECT_EQ(arguments.types, (std::vector<std::string_view>{"d", "e"}));
    EXPECT_EQ(arguments.stages, std::vector<std::string_view>{"f"});
    EXPECT_EQ(arguments.statuses, std::vector<std::string_view>{"g"});
    EXPECT_EQ(split_arguments("").since, "");
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

TEST(HistoryQuestionOf, SaysWhatIsSearchedFor) {
    const HistoryQuery query =
        parsed({.until = "1795251600", .before = "7f3a2c01-42", .text = "q", .types = {"a"}});
    const auto question = make_question("jobs:1", query, {}, 100, 0);
    EXPECT_EQ(question.range.order, questions::Order::Newest);
    EXPECT_EQ(question.search,
              (questions::HistorySearch{
                  .until_us = kNineOClock, .before_seq = 42, .types = {"a"}, .text = "q"}));
    EXPECT_EQ(
        make_question("jobs:1", parsed({.before = "7f3a2c01-0"}), {}, 100, 0).search.before_seq, 1u)
        << "before everything is nothing";
    EXPECT_FALSE(make_question("jobs:1", parsed({}), {}, 100, 0).search.is_any());
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

TEST_F(HistoryAnswers, SayWhereASearchGoesOn) {
    header.more = 1;
    header.behind_seq = 77;
    const std::string forward = json({"1"}, parsed({.after = "7f3a2c01-5", .types = {"t"}}));
    EXPECT_THAT(forward, testing::HasSubstr(R"("has_more":true,"last_event_id":"7f3a2c01-77")"));
    EXPECT_THAT(forward, testing::Not(testing::HasSubstr("next_before")));
    const std::string newest = json({"1"}, parsed({.types = {"t"}}));
    EXPECT_THAT(newest, testing::HasSubstr(R"("has_more":true,"last_event_id":"7f3a2c01-41")"));
    EXPECT_THAT(newest, testing::HasSubstr(R"(,"next_before":"7f3a2c01-77")"));
    EXPECT_THAT(json({"1"}), testing::Not(testing::HasSubstr("next_before")));

    header.more = 0;
    EXPECT_THAT(json({}, parsed({.types = {"t"}})),
                testing::Not(testing::HasSubstr("next_before")));
    EXPECT_THAT(json({}, parsed({.after = "7f3a2c01-5", .types = {"t"}})),
                testing::HasSubstr(R"("has_more":false,"last_event_id":"7f3a2c01-77")"));
    header.behind_seq = 0;
    EXPECT_THAT(json({}, parsed({.after = "7f3a2c01-5", .types = {"t"}})),
                testing::HasSubstr(R"("last_event_id":null)"));
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
    for (const HistoryArguments& other :
         {HistoryArguments{.until = "1795251600"}, HistoryArguments{.before = "7f3a2c01-42"},
          HistoryArguments{.text = "a"}, HistoryArguments{.types = {"a"}},
          HistoryArguments{.stages = {"a"}}, HistoryArguments{.statuses = {"a"}},
          HistoryArguments{.types = {"a", "b"}}})
        EXPECT_NE(hash_query("jobs:1", parsed(other)), hash);
    EXPECT_NE(hash_query("jobs:1", parsed({.types = {"a"}})),
              hash_query("jobs:1", parsed({.stages = {"a"}})));
    EXPECT_EQ(hash_query("jobs:1", parsed({.types = {"a", "b"}})),
              hash_query("jobs:1", parsed({.types = {"b", "a"}})));
}

}  // namespace
}  // namespace herald
