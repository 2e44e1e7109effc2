// The [[feed]] tables' rules: when streams end, repeats, times, files and what is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sidecar/config.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Lines 1 to 4; what is tested begins in line 5.
constexpr const char* kFeed =
    "[[feed]]\nname = \"runs\"\nchannels = \"org:{org}:run:{id}\"\nevent = \"type\"\n";

Feed feed(const std::string& keys) {
    return parse_config(kFeed + keys, "h.toml", "").feeds.at(0);
}

std::vector<std::string> errors(const std::string& text) {
    try {
        parse_config(text, "h.toml", "");
    } catch (const ConfigError& error) {
        return error.messages();
    }
    return {};
}

std::string error_in(const std::string& keys) {
    const auto found = errors(kFeed + keys);
    return found.size() == 1 ? found.front() : std::to_string(found.size()) + " errors";
}

TEST(FeedConfig, LeavesTheChannelOfRevocationsAlone) {
    for (const char* channels : {"herald:revoke", "herald:{x}", "{any}"})
        EXPECT_THAT(
            errors("[[feed]]\nname = \"x\"\nchannels = \"" + std::string(channels) + "\"\n"),
            ElementsAre(HasSubstr("h.toml:3: [[feed]] channels \"" + std::string(channels) +
                                  "\" claim herald:revoke")));
    EXPECT_THAT(errors("[[feed]]\nname = \"x\"\nchannels = \"herald:x:{id}\"\n"), ElementsAre());
}

TEST(FeedConfig, LeavesEverythingOffThatIsNotAskedFor) {
    const Feed plain = feed("");
    EXPECT_TRUE(plain.end_on.empty());
    EXPECT_EQ(plain.dedupe, "");
    EXPECT_EQ(plain.time, "");
    EXPECT_EQ(plain.jsonl, "");
    EXPECT_EQ(plain.retention_ms, 0u);
    EXPECT_EQ(plain.max_events, 0u);
}

TEST(FeedConfig, TakesEveryRule) {
    const Feed all = feed(R"(
end_on = ["done", "run.failed"]
dedupe = "event_id"
time = "created_at"
jsonl = "runs/{org}/{id}.jsonl"
retention = "30d"
max_events = 1000
)");
    EXPECT_THAT(all.end_on, UnorderedElementsAre("done", "run.failed"));
    EXPECT_EQ(all.dedupe, "event_id");
    EXPECT_EQ(all.time, "created_at");
    EXPECT_EQ(all.jsonl, "runs/{org}/{id}.jsonl");
    EXPECT_EQ(all.retention_ms, 30 * 86'400'000ull);
    EXPECT_EQ(all.max_events, 1000u);
}

TEST(FeedConfig, WantsNamesInEndOn) {
    EXPECT_EQ(error_in("end_on = \"done\""),
              "h.toml:5: [[feed]] end_on is a string; expected an array of event names, such as "
              "[\"done\"]");
    EXPECT_EQ(error_in("end_on = [\n\"done\",\n7]"),
              "h.toml:7: [[feed]] end_on holds an integer; expected event names in quotes");
    EXPECT_THAT(error_in("end_on = [\"\"]"),
                HasSubstr("h.toml:5: [[feed]] end_on holds \"\", which no event can be called"));
    EXPECT_THAT(error_in("end_on = [\"a\\nb\"]"), HasSubstr("no event can be called"));
    EXPECT_THAT(error_in("end_on = [\"" + std::string(256, 'n') + "\"]"), HasSubstr("1 to 255"));
    EXPECT_TRUE(feed("end_on = []").end_on.empty());
}

TEST(FeedConfig, EndsOnNamesThatOnlyRenameMakesFit) {
    EXPECT_THAT(feed("end_on = [\"a\\nb\"]\nrename = { \"a\\nb\" = \"done\" }").end_on,
                ElementsAre("a\nb"));
}

TEST(FeedConfig, WantsNamedEventsForEndOn) {
    EXPECT_THAT(errors("[[feed]]\nname = \"a\"\nchannels = \"a\"\nend_on = [\"done\"]"),
                ElementsAre("h.toml:4: [[feed]] end_on has no effect without event; say which JSON "
                            "member names the event"));
}

TEST(FeedConfig, WantsMembersWithNames) {
    for (const std::string key : {"dedupe", "time"}) {
        EXPECT_EQ(
            error_in(key + " = \"\""),
            "h.toml:5: [[feed]] " + key + " is empty; name a JSON member, or leave the key out");
        EXPECT_EQ(error_in(key + " = [\"x\"]"),
                  "h.toml:5: [[feed]] " + key + " is an array; expected a string in quotes");
    }
}

TEST(FeedConfig, KeepsEventsForATimeOrForEver) {
    EXPECT_EQ(feed("retention = \"off\"").retention_ms, 0u);
    EXPECT_EQ(feed("retention = \"90s\"").retention_ms, 90'000u);
    EXPECT_THAT(error_in("retention = \"0s\""),
                HasSubstr("h.toml:5: [[feed]] retention is \"0s\"; expected a time"));
    EXPECT_THAT(error_in("retention = 30"), HasSubstr("retention is an integer"));
}

TEST(FeedConfig, WantsOneEventAtLeast) {
    EXPECT_EQ(feed("max_events = 1").max_events, 1u);
    EXPECT_EQ(error_in("max_events = 0"),
              "h.toml:5: [[feed]] max_events is 0; expected 1 or more, or leave the key out");
    EXPECT_THAT(error_in("max_events = -5"), HasSubstr("max_events is -5"));
    EXPECT_EQ(error_in("max_events = \"1000\""),
              "h.toml:5: [[feed]] max_events is a string; expected an integer");
    EXPECT_THAT(error_in("max_events = 1.0"), HasSubstr("is a float"));
}

TEST(FeedConfig, TakesPathsOfFiles) {
    for (const char* path : {"runs/{org}/{id}.jsonl", "/srv/{org}/{id}/events.jsonl",
                             "runs/..{id}/{org}", "journals/{org}/{id}", "runs/journal/{org}/{id}",
                             "x{org}/{id}", "/journal/{org}/{id}", "/{id}/{org}"})
        EXPECT_EQ(feed("jsonl = \"" + std::string(path) + "\"").jsonl, path);
    EXPECT_THAT(errors("[[feed]]\nname = \"a\"\nchannels = \"a\"\njsonl = \"all.jsonl\""),
                ElementsAre());
}

TEST(FeedConfig, RefusesPathsThatAreNone) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "is empty; expected a file such as \"runs/{id}.jsonl\""},
        {"runs/", "ends in `/`, which is a directory"},
        {"runs//x", "has `//`"},
        {"../{id}", "has the component `..`"},
        {"/a/../b", "has the component `..`"},
        {"./x", "has the component `.`"},
        {"runs/{id", "has a `{` without its `}`"},
        {"runs/id}", "has a `}` without a `{`"},
        {"runs/{i{d}", "has a `{` without its `}`"},
        {"runs/{}", "names {}, which the channels do not have; they have {org}, {id}"},
        {"runs/{job}", "names {job}, which the channels do not have; they have {org}, {id}"},
        {"a\\nb", "has a line break, a control character or bytes that are not UTF-8"},
        {"runs/{id}.jsonl", "leaves out {org}"},
        {"all.jsonl", "leaves out {org}, {id}, so that channels would share a file"},
    };
    for (const auto& [path, why] : cases) {
        const std::string error = error_in("jsonl = \"" + std::string(path) + "\"");
        EXPECT_THAT(error, HasSubstr("h.toml:5: [[feed]] jsonl ")) << path;
        EXPECT_THAT(error, HasSubstr(why)) << path;
    }
}

TEST(FeedConfig, KeepsFilesOffTheSidecarsOwn) {
    for (const char* path :
         {"lock/{org}/{id}", "logs/{org}/{id}", "journal/{org}/{id}", "index.db/{org}/{id}",
          "index.db-wal/{org}/{id}", "{id}/{org}", "{org}/{id}.jsonl", "l{id}/{org}"})
        EXPECT_THAT(error_in("jsonl = \"" + std::string(path) + "\""),
                    HasSubstr("which Herald keeps in its state directory; begin with a directory "
                              "of its own, as in \"runs/...\""))
            << path;
}

TEST(FeedConfig, RefusesTwoFeedsThatWriteTheSameFiles) {
    const std::string first = std::string(kFeed) + "jsonl = \"runs/{org}/{id}.jsonl\"\n";
    const std::string second = "[[feed]]\nname = \"b\"\nchannels = \"b:{x}:{y}\"\njsonl = ";
    EXPECT_THAT(errors(first + second + "\"runs/{x}/{y}.jsonl\""),
                ElementsAre("h.toml:9: [[feed]] jsonl gives the files of feed \"runs\" (line 1) as "
                            "well; put another name or directory into one of them"));
    EXPECT_THAT(errors(first + second + "\"b/{x}/{y}.jsonl\""), ElementsAre());
    EXPECT_THAT(errors(first + "[[feed]]\nname = \"b\"\nchannels = \"b\""), ElementsAre());
}

TEST(FeedConfig, TakesALineOfItsOwnForTheConsole) {
    const Feed with =
        feed("log = [\"Run {id}\", \"Type: {type}\"]\nlog_levels = { error = [\"failed\"] }");
    EXPECT_TRUE(with.log);
    ASSERT_TRUE(with.log_line);
    const std::vector<std::string_view> values = {"acme", "7"};
    EXPECT_EQ(with.log_line->text(values, R"({"type":"x"})"), "Run 7 | Type: x");
    EXPECT_EQ(with.log_levels.at("failed"), log::Level::Error);
    EXPECT_FALSE(feed("log = true").log_line);
    EXPECT_FALSE(feed("log = false").log);
}

TEST(FeedConfig, SaysWhatIsWrongWithALineOfItsOwn) {
    EXPECT_THAT(error_in("log = \"yes\""),
                HasSubstr("log is a string; expected true, false or an array"));
    EXPECT_THAT(error_in("log = [1]"), HasSubstr("log holds an integer; expected parts"));
    EXPECT_THAT(error_in("log = []"), HasSubstr("log is empty"));
    EXPECT_THAT(error_in("log = [\"{a} {b}\"]"), HasSubstr("at most one {name}"));
    EXPECT_THAT(error_in("log_levels = { error = [\"x\"] }"),
                HasSubstr("log_levels has no effect without event, and log as an array"));
    const std::string line = "log = [\"x\"]\n";
    EXPECT_THAT(error_in(line + "log_levels = { fatal = [\"x\"] }"),
                HasSubstr("knows debug, info, warning and error, not \"fatal\""));
    EXPECT_THAT(error_in(line + "log_levels = { error = \"x\" }"),
                HasSubstr("of \"error\" is no array of event names"));
    EXPECT_THAT(error_in(line + "log_levels = { error = [\"x\"], debug = [\"x\"] }"),
                HasSubstr("has \"x\" twice"));
}

TEST(FeedConfig, KnowsItsKeysByNearMisses) {
    EXPECT_THAT(error_in("ends_on = []"), HasSubstr("did you mean \"end_on\"?"));
    EXPECT_THAT(error_in("max_event = 1"), HasSubstr("did you mean \"max_events\"?"));
    EXPECT_THAT(error_in("dedup = \"x\""), HasSubstr("did you mean \"dedupe\"?"));
}

}  // namespace
}  // namespace herald::sidecar
