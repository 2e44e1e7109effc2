// From raw messages to events, with everything that producers get wrong.
#include "sidecar/event.hpp"

#include <gtest/gtest.h>

#include <string>

namespace herald::sidecar {
namespace {

using Result = Decoder::Result;

class EventDecoder : public testing::Test {
  protected:
    Result decode(std::string_view payload, std::string_view channel = "run:1") {
        return decoder_.decode(feed_, channel, payload, event_);
    }

    Feed feed_{"runs",
               ChannelPattern("run:{id}"),
               "type",
               {{"run.progress", "progress"}, {"bad\nname", "good"}}};
    Decoder decoder_{1 << 20};
    Event event_{};
};

TEST_F(EventDecoder, PassesDataOnByteForByte) {
    const std::string payload =
        R"({"b":1.0e+2, "a":12345678901234567890123,"c":1e999,"é":"\u00e9"})";
    ASSERT_EQ(decode(payload), Result::Event);
    EXPECT_EQ(event_.data, payload);
    EXPECT_EQ(event_.name, "");
    EXPECT_FALSE(event_.unfit_name);
}

TEST_F(EventDecoder, TakesAnyJsonValue) {
    for (const char* payload : {"[1,2]", "\"bare\"", "7", "true", "null", "{}"}) {
        ASSERT_EQ(decode(payload), Result::Event) << payload;
        EXPECT_EQ(event_.data, payload);
        EXPECT_EQ(event_.name, "");
    }
}

TEST_F(EventDecoder, PutsAPrettyPrintedObjectOnOneLine) {
    ASSERT_EQ(decode("{\r\n  \"type\": \"x\",\n  \"a\\nb\": [\r1\n]\n}\n"), Result::Event);
    EXPECT_EQ(event_.data, "{    \"type\": \"x\",   \"a\\nb\": [ 1 ] } ");
    EXPECT_EQ(event_.name, "x");
}

TEST_F(EventDecoder, NamesAnEventByItsMember) {
    ASSERT_EQ(decode(R"({"type":"started"})"), Result::Event);
    EXPECT_EQ(event_.name, "started");
    ASSERT_EQ(decode(R"({"type":"run.progress"})"), Result::Event);
    EXPECT_EQ(event_.name, "progress");
    ASSERT_EQ(decode(R"({"type":"run\u002eprogress"})"), Result::Event);
    EXPECT_EQ(event_.name, "progress");
    ASSERT_EQ(decode(R"({"type":"bad\nname"})"), Result::Event);
    EXPECT_EQ(event_.name, "good");
    EXPECT_FALSE(event_.unfit_name);
}

TEST_F(EventDecoder, LetsTheLastDuplicateMemberNameTheEvent) {
    ASSERT_EQ(decode(R"({"type":"a","type":"b"})"), Result::Event);
    EXPECT_EQ(event_.name, "b");
}

TEST_F(EventDecoder, DeliversAnEventWithoutAFitNameUnnamed) {
    for (const char* value :
         {"\"\"", "\"a\\nb\"", "\"a\\r\"", "\"\\u0000\"", "\"a\\u0000b\"", "\"\\u007f\"",
          "\"\x7f\"", "\"\\ud800\"", "1", "null", "{}", "[\"a\"]"}) {
        const std::string payload = "{\"type\":" + std::string(value) + "}";
        ASSERT_EQ(decode(payload), Result::Event) << value;
        EXPECT_EQ(event_.name, "") << value;
        EXPECT_TRUE(event_.unfit_name) << value;
        EXPECT_EQ(event_.data, payload);
    }
}

TEST_F(EventDecoder, LimitsANameTo255Bytes) {
    ASSERT_EQ(decode("{\"type\":\"" + std::string(255, 'n') + "\"}"), Result::Event);
    EXPECT_EQ(event_.name.size(), 255u);
    ASSERT_EQ(decode("{\"type\":\"" + std::string(256, 'n') + "\"}"), Result::Event);
    EXPECT_EQ(event_.name, "");
    EXPECT_TRUE(event_.unfit_name);
}

TEST_F(EventDecoder, LooksForNoNameWhereTheFeedHasNone) {
    feed_.event.clear();
    ASSERT_EQ(decode(R"({"type":"a\nb","":"x"})"), Result::Event);
    EXPECT_EQ(event_.name, "");
    EXPECT_FALSE(event_.unfit_name);
}

TEST_F(EventDecoder, EndsAStreamByANameBeforeOrAfterItsRename) {
    feed_.end_on = {"run.done", "failed"};
    feed_.rename = {{"run.done", "done"}, {"run.failed", "failed"}, {"over", "x"}};
    for (const char* name : {"run.done", "run.failed", "failed", "run\\u002edone"}) {
        ASSERT_EQ(decode("{\"type\":\"" + std::string(name) + "\"}"), Result::Event);
        EXPECT_TRUE(event_.ends) << name;
    }
    for (const char* name : {"done", "run_done", "Run.done", "run.done ", "over", "x", ""}) {
        ASSERT_EQ(decode("{\"type\":\"" + std::string(name) + "\"}"), Result::Event);
        EXPECT_FALSE(event_.ends) << name;
    }
    ASSERT_EQ(decode(R"({"x":"run.done"})"), Result::Event);
    EXPECT_FALSE(event_.ends);
}

TEST_F(EventDecoder, FindsTheValueThatTellsARepeat) {
    feed_.dedupe = "id";
    const std::pair<const char*, const char*> cases[] = {
        {R"({"id":"a-1"})", "a-1"},
        {R"({"type":"x","id":17})", "17"},
        {R"({"id":-1.50e2})", "-1.50e2"},
        {R"({"id":"a\u0062"})", "a\\u0062"},
        {R"({"id":1,"id":"b"})", "b"},
        {R"({"id":""})", ""},
        {R"({"id":null})", ""},
        {R"({"id":true})", ""},
        {R"({"id":[1]})", ""},
        {R"({"id":{"id":1}})", ""},
        {R"({"x":1})", ""},
        {R"("id")", ""},
    };
    for (const auto& [payload, value] : cases) {
        ASSERT_EQ(decode(payload), Result::Event) << payload;
        EXPECT_EQ(event_.dedupe_value, value) << payload;
    }
}

TEST_F(EventDecoder, TellsNoRepeatsWhereTheFeedDoesNot) {
    ASSERT_EQ(decode(R"({"id":"a","":"b"})"), Result::Event);
    EXPECT_EQ(event_.dedupe_value, "");
}

TEST_F(EventDecoder, TellsRepeatsOfEventsWithoutNames) {
    feed_.event.clear();
    feed_.dedupe = "type";
    ASSERT_EQ(decode(R"({"type":"a"})"), Result::Event);
    EXPECT_EQ(event_.dedupe_value, "a");
    EXPECT_EQ(event_.name, "");
    EXPECT_FALSE(event_.unfit_name);
}

TEST_F(EventDecoder, RejectsAnEmptyMessage) {
    EXPECT_EQ(decode(""), Result::Empty);
    EXPECT_EQ(decode(std::string_view()), Result::Empty);
    EXPECT_EQ(decode(" \n"), Result::NotJson);
}

TEST_F(EventDecoder, RejectsWhatIsTooLargeBeforeItLooksAtIt) {
    EXPECT_EQ(decode(std::string(3 << 20, '\xff')), Result::TooLarge);
    EXPECT_EQ(decode(std::string((1 << 20) + 1, '1')), Result::TooLarge);
    EXPECT_EQ(decode(std::string(1 << 20, '1')), Result::Event);
}

TEST_F(EventDecoder, TellsBytesThatAreNoUtf8FromTextThatIsNoJson) {
    EXPECT_EQ(decode("\"\xff\""), Result::NotUtf8);
    EXPECT_EQ(decode("{\"a\":\"\xed\xa0\x80\"}"), Result::NotUtf8);
    EXPECT_EQ(decode("\xff{"), Result::NotUtf8);
    EXPECT_EQ(decode("{\"half\":"), Result::NotJson);
    EXPECT_EQ(decode("hello"), Result::NotJson);
    EXPECT_EQ(decode("{} {}"), Result::NotJson);
    EXPECT_EQ(decode("{}\n}"), Result::NotJson);
    EXPECT_EQ(decode(std::string_view("{}\0", 3)), Result::NotJson);
    EXPECT_EQ(decode("\xef\xbb\xbf{}"), Result::NotJson);
}

TEST_F(EventDecoder, SurvivesAMegabyteOfBrackets) {
    EXPECT_EQ(decode(std::string(1 << 20, '[')), Result::NotJson);
    EXPECT_EQ(decode(std::string(1 << 19, '[') + std::string(1 << 19, ']')), Result::Event);
}

TEST_F(EventDecoder, RejectsChannelsThatNobodyCanName) {
    feed_.channels = ChannelPattern("{any}");
    EXPECT_EQ(decode("1", ""), Result::BadChannel);
    EXPECT_EQ(decode("1", "a\nb"), Result::BadChannel);
    EXPECT_EQ(decode("1", "a\x7f"), Result::BadChannel);
    EXPECT_EQ(decode("1", "\xc3"), Result::BadChannel);
    EXPECT_EQ(decode("1", std::string(1025, 'c')), Result::BadChannel);
    EXPECT_EQ(decode("1", std::string(1024, 'c')), Result::Event);
}

TEST_F(EventDecoder, FindsThatRedisGlobsMatchMoreThanThePattern) {
    EXPECT_EQ(decode("1", "run:"), Result::Unmatched);
}

TEST_F(EventDecoder, KeepsNothingOfTheMessageBefore) {
    feed_.dedupe = "x";
    feed_.end_on = {"ab"};
    ASSERT_EQ(decode("{\"type\":\"a\\u0062\",\n\"x\":1}"), Result::Event);
    ASSERT_TRUE(event_.ends);
    ASSERT_EQ(decode("{}"), Result::Event);
    EXPECT_FALSE(event_.ends);
    EXPECT_EQ(event_.dedupe_value, "");
    EXPECT_EQ(event_.name, "");
    EXPECT_EQ(event_.data, "{}");
    EXPECT_FALSE(event_.unfit_name);
}

TEST(EventCounters, HasOneForEveryReason) {
    EXPECT_EQ(counter_of(Result::Empty), ring::kRejectedEmpty);
    EXPECT_EQ(counter_of(Result::TooLarge), ring::kRejectedTooLarge);
    EXPECT_EQ(counter_of(Result::NotUtf8), ring::kRejectedUtf8);
    EXPECT_EQ(counter_of(Result::NotJson), ring::kRejectedJson);
    EXPECT_EQ(counter_of(Result::BadChannel), ring::kRejectedChannel);
    EXPECT_EQ(counter_of(Result::Unmatched), ring::kUnmatched);
}

}  // namespace
}  // namespace herald::sidecar
