#include "sidecar/event_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace herald::sidecar {

namespace {

const std::vector<std::string> kNames = {"job_id"};
const std::vector<std::string> kParts = {"Job {job_id}", "Type: {type}", "Payload: {payload}"};

std::string line_of(std::string_view data, const std::vector<std::string>& parts = kParts) {
    const std::vector<std::string_view> values = {"7"};
    return EventLine(parts, kNames).text(values, data);
}

std::string problem_with(const std::vector<std::string>& parts) {
    try {
        EventLine line(parts, kNames);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "none";
}

TEST(EventLine, JoinsItsParts) {
    EXPECT_EQ(line_of(R"({"type":"started","payload":{"done":5}})"),
              "Job 7 | Type: started | Payload: done: 5");
}

TEST(EventLine, LeavesOutWhatTheEventHasNot) {
    EXPECT_EQ(line_of(R"({"type":null,"payload":{}})"), "Job 7");
    EXPECT_EQ(line_of(R"({"type":""})"), "Job 7");
    EXPECT_EQ(line_of(R"("no object")"), "Job 7");
    EXPECT_EQ(line_of("[]"), "Job 7");
}

TEST(EventLine, WritesValuesAsPythonDoes) {
    EXPECT_EQ(
        line_of(
            R"({"payload":{"b":true,"c":false,"d":null,"e":[1],"f":{"g":1},"h":-3,"i":2.0,"j":0.1,"k":"x"}})"),
        "Job 7 | Payload: b: True, c: False, d: <NoneType>, e: <list>, f: <dict>, h: -3, "
        "i: 2.0, j: 0.1, k: x");
}

TEST(EventLine, ShowsLongStringsInsideByTheirType) {
    const std::string under(99, 'x');
    EXPECT_EQ(line_of(R"({"payload":{"a":")" + under + R"("}})"), "Job 7 | Payload: a: " + under);
    EXPECT_EQ(line_of(R"({"payload":{"a":")" + under + R"(x"}})"), "Job 7 | Payload: a: <str>");
}

TEST(EventLine, BoundsStrings) {
    EXPECT_LT(line_of(R"({"type":")" + std::string(100000, 'x') + R"("})").size(), 2100u);
}

TEST(EventLine, LetsNothingForgeALine) {
    EXPECT_EQ(line_of(R"({"type":"a\nb\u001b[1m\u2028\u0000"})"),
              R"(Job 7 | Type: a\nb\x1b[1m\xe2\x80\xa8\x00)");
    EXPECT_EQ(line_of("{\"type\":\"caf\u00e9 \\\"x\\\"\"}"), "Job 7 | Type: caf\u00e9 \"x\"");
}

TEST(EventLine, DoesWithoutMembersThatJanssonDoesNotTake) {
    EXPECT_EQ(line_of(R"({"type":"x","n":1e999})"), "Job 7");
    EXPECT_EQ(line_of(R"({"type":"\ud800"})"), "Job 7");
}

TEST(EventLine, PartsWithoutANameAreAlwaysThere) {
    EXPECT_EQ(line_of("{}", {"[events]", "{type}", "end"}), "[events] | end");
}

TEST(EventLine, SaysWhatIsWrongWithAPart) {
    EXPECT_EQ(problem_with({}), "is empty; list the parts of the line, or say true or false");
    for (const char* part : {"{", "}", "{}", "}x{", "{a}{b}", "{a{b}}", "{a"})
        EXPECT_THAT(problem_with({part}),
                    testing::HasSubstr("expected text with at most one {name}"))
            << part;
    EXPECT_EQ(problem_with({"a {b} c"}), "none");
}

}  // namespace

}  // namespace herald::sidecar
