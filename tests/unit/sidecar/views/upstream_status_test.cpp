// Answers about the status of productions, in the forms of docs/views.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "sidecar/views/upstream_answer.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;

UpstreamAnswer read(std::string_view bytes, size_t max_records = 100) {
    return kStatusUpstream.read(bytes, max_records);
}

std::string fault(std::string_view bytes) {
    try {
        read(bytes);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "none";
}

std::vector<std::string> names(const UpstreamAnswer& answer) {
    std::vector<std::string> names;
    for (const UpstreamProject& project : answer.projects)
        names.push_back(project.name);
    return names;
}

TEST(UpstreamStatus, TakesSumsThatAreReady) {
    const char* sums = R"({"projects":4,"shots":128,"versions":512,"errors":3})";
    EXPECT_EQ(read(sums).totals, sums);
    EXPECT_EQ(read("{\"status\":" + std::string(sums) + ",\"review\":{}}").totals, sums);
    EXPECT_TRUE(read(sums).projects.empty());
}

TEST(UpstreamStatus, MakesCountsOfWhatComes) {
    EXPECT_EQ(read(R"({"projects":4.9,"shots":"128","versions":-1,"errors":[1,2]})").totals,
              R"({"projects":4,"shots":128,"versions":0,"errors":2})");
    EXPECT_EQ(read(R"({"projects":null,"shots":{},"versions":"x","errors":1e300})").totals,
              R"({"projects":0,"shots":0,"versions":0,"errors":9223372036854775807})");
    EXPECT_EQ(read(R"({"shots":7})").totals, R"({"projects":0,"shots":7,"versions":0,"errors":0})");
}

TEST(UpstreamStatus, CountsProjectsShotsAndVersionsOfRecords) {
    const char* records = R"([
        {"project":"alpha","shot":"sh010","version":"v001"},
        {"project":"alpha","shot":"sh010","version":"v002","errors":2},
        {"project":"alpha","shot":"sh010","version":"v002"},
        {"project":"alpha","shot":"sh020"},
        {"project":{"name":" beta "},"shot":{"code":"sh010"},"version":"v001","errors":["x"]},
        {"project":"gamma"},
        {"shot":"sh030","version":"v001","errors":4},
        17
    ])";
    const UpstreamAnswer answer = read(records);
    EXPECT_EQ(answer.totals, R"({"projects":3,"shots":3,"versions":3,"errors":7})");
    ASSERT_THAT(names(answer), ElementsAre("alpha", "beta", "gamma"));
    EXPECT_EQ(answer.projects[0].sums, R"({"shots":2,"versions":2,"errors":2})");
    EXPECT_EQ(answer.projects[1].sums, R"({"shots":1,"versions":1,"errors":1})");
    EXPECT_EQ(answer.projects[2].sums, R"({"shots":0,"versions":0,"errors":0})");
    EXPECT_EQ(answer.projects[2].records, std::vector<std::string>{R"({"project":"gamma"})"});
}

TEST(UpstreamStatus, AddsErrorsThatBelongToNoVersion) {
    EXPECT_EQ(read(R"({"versions":[{"project":"a","errors":1}],"errors":[{},{}]})").totals,
              R"({"projects":1,"shots":0,"versions":0,"errors":3})");
    EXPECT_EQ(read(R"({"versions":[],"errors":2})").totals,
              R"({"projects":0,"shots":0,"versions":0,"errors":2})");
}

TEST(UpstreamStatus, KeepsTheNewestRecordsAndCountsAll) {
    const UpstreamAnswer answer = read(R"([
        {"project":"a","version":"3","created_at":"2024-05-03T00:00:00Z"},
        {"project":"a","version":"0"},
        {"project":"a","version":"1","created_at":"2024-05-01T00:00:00+00:00"},
        {"project":"a","version":"4","created_at":"2024-01-01","updated_at":"2024-05-04"}
    ])",
                                       2);
    EXPECT_EQ(answer.totals, R"({"projects":1,"shots":0,"versions":4,"errors":0})");
    ASSERT_EQ(answer.projects[0].records.size(), 2u);
    EXPECT_THAT(answer.projects[0].records[0], testing::HasSubstr(R"("version":"3")"));
    EXPECT_THAT(answer.projects[0].records[1], testing::HasSubstr(R"("version":"4")"));
}

TEST(UpstreamStatus, TakesTheAnswersOrderForAgeWhereNothingElseSaysIt) {
    const UpstreamAnswer answer = read(
        R"([{"project":"b","version":"1"},{"project":"a","version":"1"},{"project":"b","version":"2"}])",
        1);
    EXPECT_THAT(names(answer), ElementsAre("a", "b"));
    EXPECT_THAT(answer.projects[1].records, ElementsAre(R"({"project":"b","version":"2"})"));
}

TEST(UpstreamStatus, SaysWhatIsWrongAndNothingOfWhatIsInIt) {
    EXPECT_EQ(fault(""), "the answer is empty");
    EXPECT_EQ(fault("<html>hush</html>"), "the answer is HTML or XML, not JSON");
    EXPECT_EQ(fault("{\"projects\":4,\"sho"), "the answer is JSON that ends in the middle");
    EXPECT_EQ(fault("{\n  hush"), "the answer is not JSON (line 2, column 6)");
    EXPECT_EQ(fault("7"), "the answer is neither an object nor an array");
    EXPECT_THAT(fault(R"({"detail":"hush"})"),
                testing::StartsWith("the answer has none of projects, shots"));
}

}  // namespace
}  // namespace herald::sidecar
