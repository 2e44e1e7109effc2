// What a registry file says, in both of its shapes, and how two of its states differ.
#include "sidecar/ingest/run_snapshot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::shared_ptr<const RunSnapshot> read(std::string_view file, size_t left_out = 0) {
    const ReadRegistry registry = read_registry(file, RunSnapshot());
    EXPECT_EQ(registry.wrong, "") << file;
    EXPECT_EQ(registry.left_out, left_out) << file;
    return registry.runs ? registry.runs : std::make_shared<const RunSnapshot>();
}
std::string wrong_with(std::string_view file) {
    const ReadRegistry registry = read_registry(file, RunSnapshot());
    EXPECT_EQ(registry.runs, nullptr) << file;
    return registry.wrong;
}
std::vector<std::string> ids(const RunSnapshot& runs) {
    std::vector<std::string> out;
    for (const RunPtr& run : runs.newest_first())
        out.push_back(run->id);
    return out;
}
std::vector<std::string> messages(std::string_view before, std::string_view after) {
    std::vector<std::string> out;
    for (const RunChange& change : changes_between(*read(before), *read(after)))
        out.push_back(message_of(change));
    return out;
}

constexpr std::string_view kFull = R"([{
    "id": "run-7", "started_at": "2024-05-08T09:00:00Z", "completed_at": "2024-05-08T11:30:00.25+02:00",
    "report": {
        "processed": [{"path": "/in/a.mov", "bucket": "b", "key": "k/a.mov", "extra": 1, "media_info": {
            "show_code": "OP", "episode": 12, "scene": "sc", "shot": "sh", "descriptor": "d", "extension": "mov"}}],
        "invalid": [["/in/b.mov", "bad name"]],
        "warnings": ["w"]}}])";

TEST(RunSnapshot, HasRunsAsClientsSeeThem) {
    const auto runs = read(kFull);
    ASSERT_EQ(runs->newest_first().size(), 1u);
    EXPECT_EQ(
        runs->newest_first()[0]->text,
        R"({"id":"run-7","started_at":"2024-05-08T09:00:00+00:00","completed_at":"2024-05-08T09:30:00.250000+00:00",)"
        R"("status":"completed","report":{"processed":[{"path":"/in/a.mov","bucket":"b","key":"k/a.mov",)"
        R"("media_info":{"show_code":"OP","episode":"12","scene":"sc","shot":"sh","descriptor":"d",)"
        R"("extension":"mov"}}],"invalid":[{"path":"/in/b.mov","reason":"bad name"}],)"
        R"("processed_count":1,"invalid_count":1}})");
}

TEST(RunSnapshot, HasRunsThatHaveOnlyBegun) {
    EXPECT_EQ(read(R"([{"id":"a"}])")->newest_first()[0]->text,
              R"({"id":"a","started_at":null,"completed_at":null,"status":"running",)"
              R"("report":{"processed":[],"invalid":[],"processed_count":0,"invalid_count":0}})");
}

TEST(RunSnapshot, ReadsBothShapes) {
    EXPECT_THAT(ids(*read(R"([{"id":"a"},{"run_id":"b"},{"id":"","run_id":"c"},{"id":7}])")),
                ElementsAre("a", "b", "c", "7"));
    EXPECT_THAT(ids(*read(R"( { "x" : [ 1 ] , "runs" : [ {"id":"a"} , {"run_id":"b"} ] } )")),
                ElementsAre("a", "b"));
    EXPECT_THAT(ids(*read("[]")), IsEmpty());
    EXPECT_THAT(ids(*read(R"({"runs": [ ]})")), IsEmpty());
}

TEST(RunSnapshot, IsNotThrownByBracketsAndQuotesInTexts) {
    const auto runs = read(R"([{"id":"a]}\"[{,\\"},{"id":"b","x":[[],{},"]",{"y":"}"}]}])");
    EXPECT_THAT(ids(*runs), ElementsAre(R"(a]}"[{,\)", "b"));
}

TEST(RunSnapshot, HasTheNewestFirst) {
    EXPECT_THAT(ids(*read(R"([{"id":"none"},
                              {"id":"old","started_at":"2024-01-01T00:00:00Z"},
                              {"id":"same1","started_at":"2024-01-02T00:00:00+00:00"},
                              {"id":"same2","started_at":"2024-01-02T01:00:00+01:00"},
                              {"id":"new","started_at":"2024-01-02T00:00:00.000001"}])")),
                ElementsAre("new", "same1", "same2", "old", "none"));
}

TEST(RunSnapshot, FindsRunsByTheirIds) {
    const auto runs = read(R"([{"id":"a"},{"id":"b"}])");
    ASSERT_NE(runs->find("b"), nullptr);
    EXPECT_EQ((*runs->find("b"))->id, "b");
    EXPECT_EQ(runs->find("c"), nullptr);
    EXPECT_EQ(runs->find(""), nullptr);
}

TEST(RunSnapshot, LeavesOutWhatIsNoRunAndRepeats) {
    EXPECT_THAT(
        ids(*read(R"([1, null, [], {"x":1}, {"id":null}, {"id":"a"}, {"id":"a","x":2}])", 6)),
        ElementsAre("a"));
}

TEST(RunSnapshot, LeavesOutPartsOfReportsThatLackSomething) {
    const auto runs = read(R"([{"id":"a","started_at":"soon","report":{
        "processed":[1,{"path":"p","bucket":"b","key":"k"},{"path":"","bucket":"b","key":"k","media_info":{}}],
        "invalid":[["p"],["p","r","x"],{"path":"p","reason":"r"},7]}},{"id":"b","report":[]}])");
    const std::string& text = (*runs->find("a"))->text;
    EXPECT_THAT(text, HasSubstr(R"("started_at":null)"));
    EXPECT_THAT(text, HasSubstr(R"("processed":[],"invalid":[{"path":"p","reason":"r"}])"));
    EXPECT_THAT(text, HasSubstr(R"("processed_count":0,"invalid_count":1)"));
    EXPECT_THAT((*runs->find("b"))->text, HasSubstr(R"("processed_count":0)"));
}

TEST(RunSnapshot, IsNotReadFromWhatIsNoRegistry) {
    for (const char* file : {"{}", "7", "\"x\"", "null", R"({"runs":{}})", R"({"runs":7})", "[1,]",
                             "[{\"id\":\"a\"}", "[] []", "[{'id':'a'}]"})
        EXPECT_THAT(wrong_with(file), HasSubstr("is no registry, or not whole; expected")) << file;
    EXPECT_THAT(wrong_with(""), HasSubstr("is empty; expected"));
    EXPECT_THAT(wrong_with("[\"\xff\"]"), HasSubstr("is not UTF-8; expected"));
}

TEST(RunSnapshot, IsNotReadFromAnyBeginningOfAFile) {
    for (size_t size = 0; size < kFull.size(); ++size)
        EXPECT_EQ(read_registry(kFull.substr(0, size), RunSnapshot()).runs, nullptr) << size;
}

TEST(RunSnapshot, AnyBytesAreARegistryOrNot) {
    std::minstd_rand random(3);
    size_t read_ones = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string file(kFull);
        for (auto changes = random() % 3 + 1; changes != 0; --changes)
            file[random() % file.size()] = "[]{}\",:0a \\"[random() % 11];
        const ReadRegistry registry = read_registry(file, RunSnapshot());
        EXPECT_EQ(registry.runs == nullptr, !registry.wrong.empty());
        read_ones += registry.runs != nullptr;
    }
    EXPECT_GT(read_ones, 0u);
}

TEST(RunSnapshot, SharesWhatHasNotChanged) {
    const auto before = read(R"([{"id":"a"},{"id":"b"}])");
    const auto after =
        read_registry(R"([{"id":"b"},{"id":"a","completed_at":"2024-01-01T00:00:00Z"}])", *before);
    EXPECT_EQ(*before->find("b"), *after.runs->find("b"));
    EXPECT_NE(*before->find("a"), *after.runs->find("a"));
}

// -- changes

constexpr std::string_view kReport =
    R"("report":{"processed":[],"invalid":[],"processed_count":0,"invalid_count":0}})";

TEST(RunChanges, AreCreatedThenUpdatedThenRemoved) {
    const std::string report(kReport);
    EXPECT_THAT(
        messages(R"([{"id":"gone\n"},{"id":"same"},{"id":"done"}])",
                 R"([{"id":"same"},{"id":"done","completed_at":"2024-01-01T00:00:00Z"},
                     {"id":"second","started_at":"2024-01-02T00:00:00Z"},
                     {"id":"first","started_at":"2024-01-01T00:00:00Z"}])"),
        ElementsAre(
            R"({"event": "run.created", "run": {"id":"first","started_at":"2024-01-01T00:00:00+00:00","completed_at":null,"status":"running",)" +
                report + "}",
            R"({"event": "run.created", "run": {"id":"second","started_at":"2024-01-02T00:00:00+00:00","completed_at":null,"status":"running",)" +
                report + "}",
            R"({"event": "run.updated", "run": {"id":"done","started_at":null,"completed_at":"2024-01-01T00:00:00+00:00","status":"completed",)" +
                report + "}",
            R"({"event": "run.removed", "run": {"id": "gone\n"}})"));
}

TEST(RunChanges, AreNoneWhereOnlyTheFileIsAnother) {
    EXPECT_THAT(messages(R"([{"id":"a","started_at":"2024-01-01T00:00:00Z"},{"id":"b"}])",
                         R"({"runs":[{"run_id":"b","warnings":[]},
                             {"id":"a","started_at":"2024-01-01T01:00:00+01:00"}]})"),
                IsEmpty());
}

TEST(RunChanges, ARunWithoutAKnownTextHasChanged) {
    const auto unknown = std::make_shared<const IngestRun>(IngestRun{"a", 0, ""});
    const auto changes = changes_between(RunSnapshot({unknown}), *read(R"([{"id":"a"}])"));
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].kind, RunChange::Kind::Updated);
}

}  // namespace
}  // namespace herald::sidecar
