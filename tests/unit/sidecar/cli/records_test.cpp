// What lines of journals and of objects mean.
#include "sidecar/cli/records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "../temporary_directory.hpp"

namespace herald::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kEntry =
    R"({"id":"7f3a2c01-42","at":"2026-11-21T10:00:00.123Z","channel":"jobs:1","event":"done","data":{"ok":true}})";
constexpr const char* kNotice =
    R"({"id":"7f3a2c01-43","at":"2026-11-21T10:00:01.000Z","notice":"redis_lost"})";
constexpr int64_t kAt = 1'795'255'200'123'000;  // microseconds

TEST(Records, OfAJournalAreItsEvents) {
    RecordParser parser({}, {});
    Record record = parser.parse(kEntry);
    EXPECT_EQ(record.kind, Record::Kind::Event);
    EXPECT_EQ(record.channel, "jobs:1");
    EXPECT_EQ(record.data, R"({"ok":true})");
    EXPECT_EQ(record.time_us, kAt);
    EXPECT_EQ(parser.parse(kNotice).kind, Record::Kind::Notice);
    EXPECT_EQ(parser.parse(" ").kind, Record::Kind::Blank);

    record = parser.parse(R"({"n":1})");
    EXPECT_EQ(record.kind, Record::Kind::Bad);
    EXPECT_STREQ(record.problem, "no line of a journal");
}

TEST(Records, OfAJournalGoWhereTheyAreSent) {
    EXPECT_EQ(RecordParser("elsewhere", {}).parse(kEntry).channel, "elsewhere");
}

TEST(Records, OfObjectsAreTheObjectsAsTheyAre) {
    RecordParser parser("c", {});
    const Record record = parser.parse(R"( { "n" : 1 } )");
    EXPECT_EQ(record.kind, Record::Kind::Event);
    EXPECT_EQ(record.channel, "c");
    EXPECT_EQ(record.data, R"( { "n" : 1 } )");
    EXPECT_EQ(record.time_us, std::nullopt);
    EXPECT_EQ(parser.parse(kEntry).data, kEntry)
        << "in a file of objects it is one like the others";
}

TEST(Records, AreBadWhereTheyAreNoObject) {
    RecordParser parser("c", {});
    auto problem = [&parser](std::string_view line) {
        const Record record = parser.parse(line);
        return record.kind == Record::Kind::Bad ? record.problem : "none";
    };
    EXPECT_STREQ(problem(R"({"n":)"), "not JSON");
    EXPECT_STREQ(problem(R"({"n":1} {"n":2})"), "not JSON");
    EXPECT_STREQ(problem("{\"n\":\"\xff\"}"), "not UTF-8");
    EXPECT_STREQ(problem("[1]"), "JSON, but not an object");
    EXPECT_STREQ(problem(R"({"n":1})"), "none");
}

TEST(Records, HaveTheFirstUsualTimeThatTheFirstObjectHas) {
    RecordParser parser("c", {});
    EXPECT_EQ(parser.parse(R"({"time":"soon","at":"2026-11-21T10:00:00.123Z","n":1})").time_us,
              kAt);
    EXPECT_EQ(parser.time_member(), "at");
    EXPECT_EQ(parser.parse(R"({"ts":1,"at":2})").time_us, 2'000'000);
    EXPECT_EQ(parser.parse(R"({"ts":1})").time_us, std::nullopt);

    RecordParser first("c", {});
    EXPECT_EQ(first.parse(R"({"at":1,"created_at":2,"timestamp":3,"ts":4})").time_us, 4'000'000);
}

TEST(Records, HaveTheTimeThatIsAskedFor) {
    RecordParser parser("c", "when");
    EXPECT_EQ(parser.parse(R"({"ts":1})").time_us, std::nullopt);
    EXPECT_EQ(parser.parse(R"({"ts":1,"when":1795255200.123})").time_us, kAt);
    EXPECT_EQ(parser.parse(R"({"when":"1795255200.123"})").time_us, kAt);
    EXPECT_EQ(parser.parse(R"({"when":null})").time_us, std::nullopt);
    EXPECT_EQ(parser.parse(R"({"when":"today"})").time_us, std::nullopt);
}

TEST(Records, HaveTheirTimeAtTheTopAlone) {
    RecordParser parser("c", "ts");
    EXPECT_EQ(parser.parse(R"({"a":{"ts":1},"b":[{"ts":2},"ts"],"c":"ts","ts" : 3 })").time_us,
              3'000'000);
    EXPECT_EQ(parser.parse(R"({"a":"\"ts\":1,","b\"":"\\","ts":4})").time_us, 4'000'000);
    EXPECT_EQ(parser.parse(R"({"a":"ts","b":{"ts":5}})").time_us, std::nullopt);
    EXPECT_EQ(parser.parse(R"({"ts":{"ts":5}})").time_us, std::nullopt);
}

class RecordFiles : public testing::Test {
  protected:
    std::string write(const std::string& name, const std::string& text) {
        const std::string path = directory_ / name;
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

    static std::string entry(int seq) {
        return R"({"id":"7f3a2c01-)" + std::to_string(seq) +
               R"(","at":"2026-11-21T10:00:00.123Z","channel":"c","data":1})" + "\n";
    }

    sidecar::TemporaryDirectory directory_{};
};

TEST_F(RecordFiles, OfADirectoryAreItsSegmentsInTheirOrder) {
    const std::string third = write("a", entry(1000));
    const std::string first = write("b", entry(9));
    const std::string second = write("c", entry(90) + "torn");
    write("d", "torn\n" + entry(1));
    write("e", "");
    const std::string objects = write("f.jsonl", "{}\n");
    EXPECT_THAT(files_of({objects, directory_ / "", objects}),
                ElementsAre(objects, first, second, third, objects));
}

TEST_F(RecordFiles, OfADirectoryWithoutAJournalAreAnError) {
    write("a", "{}\n");
    try {
        files_of({directory_ / ""});
        FAIL() << "accepted";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("no file in this directory is a segment"));
    }
}

TEST_F(RecordFiles, HaveTheFormatOfTheirFirstGoodLine) {
    EXPECT_EQ(format_of(write("a", "torn\n" + entry(1) + "{}\n")), Format::Journal);
    EXPECT_EQ(format_of(write("b", "\ntorn\n{}\n" + entry(1))), Format::Objects);
    EXPECT_EQ(format_of(write("c", "torn\n")), Format::Unknown);
    EXPECT_THROW(format_of(directory_ / "d"), std::runtime_error);
}

}  // namespace
}  // namespace herald::cli
