// herald.toml: defaults, limits, and every error with its file and line.
#include "sidecar/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kFeed = "[[feed]]\nname = \"runs\"\nchannels = \"run:{id}\"\n";

Config parse(const std::string& text, std::string_view redis_url = "") {
    return parse_config(text, "h.toml", redis_url);
}

std::vector<std::string> errors(const std::string& text, std::string_view redis_url = "") {
    try {
        parse(text, redis_url);
    } catch (const ConfigError& error) {
        return error.messages();
    }
    return {};
}

// The one error of a text that has a good feed behind it.
std::string error_in(const std::string& text) {
    const auto found = errors(text + "\n" + kFeed);
    return found.size() == 1 ? found.front() : std::to_string(found.size()) + " errors";
}

TEST(Config, NeedsNothingButAFeed) {
    const Config config = parse(kFeed);
    EXPECT_EQ(config.socket, "/run/herald/herald.sock");
    EXPECT_EQ(config.state, "/var/lib/herald");
    EXPECT_EQ(config.redis.address(), "127.0.0.1:6379");
    EXPECT_EQ(config.ring_size, 64u << 20);
    EXPECT_EQ(config.max_message, 1u << 20);
    EXPECT_EQ(config.journal.fsync, Fsync::EverySec);
    EXPECT_EQ(config.journal.segment, 64u << 20);
    EXPECT_EQ(config.journal.retention_ms, 7 * 86'400'000u);
    EXPECT_EQ(config.journal.max_size, uint64_t{4} << 30);
    ASSERT_EQ(config.feeds.size(), 1u);
    EXPECT_EQ(config.feeds[0].name, "runs");
    EXPECT_EQ(config.feeds[0].channels.glob(), "run:*");
    EXPECT_EQ(config.feeds[0].event, "");
    EXPECT_FALSE(config.feeds[0].log);
}

TEST(Config, TakesEveryKey) {
    const Config config = parse(R"(
[sidecar]
socket = "/tmp/s.sock"
state = "/tmp/state"
allow = ["root"]
[redis]
url = "redis://:pw@redis:7000/2"
[ring]
size = "2g"
max_message = 4096
[journal]
fsync = "always"
segment = "1M"
retention = "12h"
max_size = "2M"
[[feed]]
name = "a"
channels = "a:{x}"
event = "event_type"
rename = { "a.progress" = "progress", "a.done" = "done" }
log = true
[[feed]]
name = "b"
channels = "b"
)");
    EXPECT_EQ(config.socket, "/tmp/s.sock");
    EXPECT_EQ(config.state, "/tmp/state");
    EXPECT_THAT(config.allow, ElementsAre(0u));
    EXPECT_EQ(config.redis.password, "pw");
    EXPECT_EQ(config.redis.db, 2u);
    EXPECT_EQ(config.ring_size, uint64_t{2} << 30);
    EXPECT_EQ(config.max_message, 4096u);
    EXPECT_EQ(config.journal.fsync, Fsync::Always);
    EXPECT_EQ(config.journal.segment, 1u << 20);
    EXPECT_EQ(config.journal.retention_ms, 12 * 3'600'000u);
    EXPECT_EQ(config.journal.max_size, 2u << 20);
    ASSERT_EQ(config.feeds.size(), 2u);
    EXPECT_EQ(config.feeds[0].event, "event_type");
    EXPECT_EQ(config.feeds[0].rename.at("a.progress"), "progress");
    EXPECT_EQ(config.feeds[0].rename.size(), 2u);
    EXPECT_TRUE(config.feeds[0].log);
}

TEST(Config, LetsTheEnvironmentWinOverTheFile) {
    const std::string file = "[redis]\nurl = \"redis://file\"\n" + std::string(kFeed);
    EXPECT_EQ(parse(file, "redis://env:1").redis.address(), "env:1");
    EXPECT_EQ(parse(file, "").redis.address(), "file:6379");
    EXPECT_THAT(errors(kFeed, "rediss://u:hush@h"),
                ElementsAre(testing::AllOf(HasSubstr("REDIS_URL"), HasSubstr("TLS"),
                                           Not(HasSubstr("hush")))));
}

TEST(Config, ReportsUnknownKeysWithTheNearestKnownOne) {
    EXPECT_EQ(error_in("[sidecar]\n\nsoket = \"/x\""),
              "h.toml:3: unknown key \"soket\" in [sidecar]; did you mean \"socket\"?");
    EXPECT_EQ(error_in("[ring]\nmaxmessage = 1"),
              "h.toml:2: unknown key \"maxmessage\" in [ring]; did you mean \"max_message\"?");
    EXPECT_EQ(error_in("[redsi]\nurl = 1"),
              "h.toml:1: unknown key \"redsi\"; did you mean \"redis\"?");
    EXPECT_EQ(error_in("[redis]\nsentinel = 1"),
              "h.toml:2: unknown key \"sentinel\" in [redis]; known keys: url");
}

TEST(Config, ReportsWrongTypes) {
    EXPECT_EQ(error_in("[sidecar]\nsocket = 5"),
              "h.toml:2: [sidecar] socket is an integer; expected a string in quotes");
    EXPECT_EQ(error_in("sidecar = 5"), "h.toml:1: sidecar is an integer; expected a table");
    EXPECT_EQ(error_in("[ring]\nsize = 1.5").substr(0, 31), "h.toml:2: [ring] size is a floa");
    EXPECT_THAT(error_in("[redis]\nurl = [\"x\"]"), HasSubstr("h.toml:2: [redis] url is an array"));
    EXPECT_THAT(
        errors(std::string(kFeed) + "log = \"yes\""),
        ElementsAre("h.toml:4: [[feed]] log is a string; expected true, false or an array of the "
                    "line's parts, such as [\"[events] Job {job_id}\", \"Type: {type}\"]"));
    EXPECT_THAT(errors(std::string(kFeed) + "event = 1979-05-27"),
                ElementsAre(HasSubstr("h.toml:4: [[feed]] event is a date or time")));
}

TEST(Config, ReportsPathsThatAreNone) {
    EXPECT_THAT(error_in("[sidecar]\nsocket = \"unix:/x\""), HasSubstr("leave out \"unix:\""));
    EXPECT_THAT(error_in("[sidecar]\nstate = \"var/x\""), HasSubstr("h.toml:2: [sidecar] state"));
    EXPECT_THAT(error_in("[sidecar]\nsocket = \"/" + std::string(107, 'x') + "\""),
                HasSubstr("has 108 bytes; a Unix socket's path has at most 107"));
    EXPECT_EQ(
        parse("[sidecar]\nsocket = \"/" + std::string(106, 'x') + "\"\n" + kFeed).socket.size(),
        107u);
}

TEST(Config, ReportsUsersThatDoNotExist) {
    EXPECT_THAT(error_in("[sidecar]\nallow = [\n \"root\",\n \"no-such-user\"]"),
                HasSubstr("h.toml:4: [sidecar] allow names the user \"no-such-user\""));
    EXPECT_THAT(error_in("[sidecar]\nallow = [1]"), HasSubstr("h.toml:2: [sidecar] allow holds"));
    EXPECT_THAT(error_in("[sidecar]\nallow = \"root\""), HasSubstr("expected an array"));
}

TEST(Config, ReportsUrlsWithTheirLineAndWithoutTheirPassword) {
    const std::string error = error_in("[redis]\n\nurl = \"rediss://u:hush@h\"");
    EXPECT_THAT(error, HasSubstr("h.toml:3: [redis] url asks for TLS"));
    EXPECT_THAT(error, Not(HasSubstr("hush")));
}

TEST(Config, BoundsTheRing) {
    EXPECT_EQ(error_in("[ring]\nsize = \"63K\""),
              "h.toml:2: [ring] size is 63K; expected 64K to 64G");
    EXPECT_THAT(error_in("[ring]\nsize = \"65G\""), HasSubstr("size is 65G; expected"));
    EXPECT_THAT(error_in("[ring]\nsize = -1"), HasSubstr("size is negative"));
    for (const char* size : {"64MB", "M", "", "1.5M", "64 M", "-1K", "99999999999G"})
        EXPECT_THAT(error_in("[ring]\nsize = \"" + std::string(size) + "\""),
                    HasSubstr("h.toml:2: [ring] size is \""))
            << size;
    EXPECT_EQ(parse("[ring]\nsize = \"64K\"\n" + std::string(kFeed)).ring_size, 65536u);
    EXPECT_EQ(parse("[ring]\nsize = \"64G\"\n" + std::string(kFeed)).ring_size, uint64_t{64} << 30);
}

TEST(Config, BoundsMessagesByTheRing) {
    const auto with = [](const std::string& ring) { return "[ring]\n" + ring + "\n" + kFeed; };
    EXPECT_EQ(parse(with("size = \"1M\"")).max_message, 256u << 10);
    EXPECT_EQ(parse(with("size = \"4M\"")).max_message, 1u << 20);
    EXPECT_EQ(parse(with("size = \"64K\"\nmax_message = 31424")).max_message, 31424u);
    EXPECT_THAT(error_in("[ring]\nsize = \"64K\"\nmax_message = 31425"),
                HasSubstr("h.toml:3: [ring] max_message is 31425; expected 1 to 31424 bytes"));
    EXPECT_THAT(error_in("[ring]\nmax_message = 0"), HasSubstr("max_message is 0; expected 1"));
    EXPECT_THAT(error_in("[ring]\nmax_message = \"32M\""), HasSubstr("max_message is 32M"));
    EXPECT_EQ(parse(with("size = \"64G\"\nmax_message = \"512M\"")).max_message, 512u << 20);
    EXPECT_THAT(error_in("[ring]\nsize = \"64G\"\nmax_message = \"513M\""), HasSubstr("513M"));
}

TEST(Config, KnowsThreeWaysToSync) {
    const auto fsync = [](const std::string& text) {
        return parse("[journal]\nfsync = \"" + text + "\"\n" + kFeed).journal.fsync;
    };
    EXPECT_EQ(fsync("always"), Fsync::Always);
    EXPECT_EQ(fsync("everysec"), Fsync::EverySec);
    EXPECT_EQ(fsync("never"), Fsync::Never);
    EXPECT_EQ(error_in("[journal]\nfsync = \"Always\""),
              "h.toml:2: [journal] fsync is \"Always\"; expected \"always\", \"everysec\" or "
              "\"never\"");
    EXPECT_EQ(error_in("[journal]\nfsync = true"),
              "h.toml:2: [journal] fsync is a boolean; expected a string in quotes");
}

TEST(Config, BoundsSegments) {
    const auto segment = [](const std::string& text) {
        return parse("[journal]\nsegment = " + text + "\n" + kFeed).journal.segment;
    };
    EXPECT_EQ(segment("65536"), 65536u);
    EXPECT_EQ(segment("\"1g\""), 1u << 30);
    EXPECT_EQ(error_in("[journal]\nsegment = 65535"),
              "h.toml:2: [journal] segment is 65535; expected 64K to 1G");
    EXPECT_THAT(error_in("[journal]\nsegment = \"1025M\""), HasSubstr("is 1025M; expected 64K"));
    EXPECT_THAT(error_in("[journal]\nsegment = \"off\""),
                HasSubstr("segment is \"off\"; expected a size"));
}

TEST(Config, WantsRoomForTwoSegments) {
    const auto max_size = [](const std::string& keys) {
        return parse("[journal]\n" + keys + "\n" + kFeed).journal.max_size;
    };
    EXPECT_EQ(max_size("max_size = \"128M\""), 128u << 20);
    EXPECT_EQ(max_size("segment = \"64K\"\nmax_size = 131072"), 131072u);
    EXPECT_EQ(max_size("max_size = \"off\""), 0u);
    EXPECT_GE(max_size("segment = \"1G\""), 2u << 30);
    EXPECT_EQ(error_in("[journal]\nmax_size = \"127M\""),
              "h.toml:2: [journal] max_size is 127M; expected at least two segments, 128M, or "
              "\"off\"");
    EXPECT_EQ(error_in("[journal]\nmax_size = 0"),
              "h.toml:2: [journal] max_size is 0; expected a size, such as \"4G\" (K, M, G), or "
              "\"off\"");
    EXPECT_THAT(error_in("[journal]\nmax_size = \"none\""), HasSubstr("or \"off\""));
    EXPECT_THAT(error_in("[journal]\nmax_size = -1"), HasSubstr("is negative; expected a size"));
}

TEST(Config, KeepsTheJournalForATimeOrForEver) {
    const auto retention = [](const std::string& text) {
        return parse("[journal]\nretention = \"" + text + "\"\n" + kFeed).journal.retention_ms;
    };
    EXPECT_EQ(retention("45s"), 45'000u);
    EXPECT_EQ(retention("30m"), 1'800'000u);
    EXPECT_EQ(retention("off"), 0u);
    EXPECT_EQ(error_in("[journal]\nretention = \"1w\""),
              "h.toml:2: [journal] retention is \"1w\"; expected a time of \"1s\" to \"36500d\", "
              "such as \"12h\" (s, m, h, d), or \"off\"");
    EXPECT_THAT(error_in("[journal]\nretention = 0"),
                HasSubstr("retention is an integer; expected a time"));
}

TEST(Config, WantsAFeed) {
    EXPECT_THAT(errors(""), ElementsAre(HasSubstr("h.toml: no feed; add at least one [[feed]]")));
    EXPECT_THAT(errors("feed = []"), ElementsAre(HasSubstr("h.toml:1: no feed")));
    EXPECT_THAT(errors("\n[feed]\nname = \"a\""),
                ElementsAre(HasSubstr("h.toml:2: feed is one table; feeds are written [[feed]]")));
    EXPECT_THAT(errors("feed = 3"), ElementsAre(HasSubstr("h.toml:1: no feed")));
}

TEST(Config, WantsANameAndChannelsForEachFeed) {
    EXPECT_THAT(errors("[[feed]]\n"), ElementsAre(HasSubstr("h.toml:1: [[feed]] has no channels"),
                                                  HasSubstr("h.toml:1: [[feed]] has no name")));
    EXPECT_THAT(errors("[[feed]]\nname = \"\"\nchannels = \"\""),
                ElementsAre(HasSubstr("h.toml:2: [[feed]] name is unfit"),
                            HasSubstr("h.toml:3: [[feed]] channels is empty")));
    EXPECT_THAT(errors("[[feed]]\nname = \"a\"\nchannels = \"a:{x\""),
                ElementsAre(HasSubstr("h.toml:3: [[feed]] channels has a `{` without its `}`")));
}

TEST(Config, RefusesTwoFeedsWithOneName) {
    EXPECT_THAT(errors(std::string(kFeed) + "[[feed]]\nname = \"runs\"\nchannels = \"b\""),
                ElementsAre("h.toml:5: [[feed]] name is that of feed \"runs\" (line 1) as well; "
                            "each needs its own"));
}

TEST(Config, RefusesTwoFeedsThatClaimOneChannel) {
    EXPECT_THAT(errors(std::string(kFeed) + "[[feed]]\nname = \"b\"\nchannels = \"{x}:7\""),
                ElementsAre("h.toml:6: [[feed]] channels \"{x}:7\" overlap with those of feed "
                            "\"runs\" (line 1), \"run:{id}\": both claim run:7; a channel belongs "
                            "to one feed"));
}

TEST(Config, ChecksRenames) {
    const std::string feed = std::string(kFeed) + "event = \"type\"\n";
    EXPECT_THAT(errors(feed + "rename = { a = 1 }"),
                ElementsAre(HasSubstr("h.toml:5: [[feed]] rename of \"a\" is an integer")));
    EXPECT_THAT(errors(feed + "rename = { a = \"b\\n\" }"),
                ElementsAre(HasSubstr("rename of \"a\" gives no fit event name")));
    EXPECT_THAT(errors(feed + "rename = { a = \"\" }"),
                ElementsAre(HasSubstr("no fit event name")));
    EXPECT_THAT(errors(feed + "rename = \"x\""), ElementsAre(HasSubstr("expected a table")));
    EXPECT_THAT(errors(feed + "event2 = \"\"\n[feed.rename]\na = \"b\""),
                ElementsAre(HasSubstr("did you mean \"event\"?")));
    EXPECT_THAT(errors(std::string(kFeed) + "rename = { a = \"b\" }"),
                ElementsAre(HasSubstr("rename has no effect without event")));
    EXPECT_THAT(errors(std::string(kFeed) + "event = \"\""),
                ElementsAre(HasSubstr("h.toml:4: [[feed]] event is empty")));
}

TEST(Config, ReportsEveryErrorInTheOrderOfLines) {
    EXPECT_THAT(
        errors("[ring]\nsize = 1\n[sidecar]\nstate = 1\n[[feed]]\nname = 1\nchannels = 1\n"
               "[redis]\nurl = \"x\""),
        ElementsAre(HasSubstr("h.toml:2: "), HasSubstr("h.toml:4: "), HasSubstr("h.toml:6: "),
                    HasSubstr("h.toml:7: "), HasSubstr("h.toml:9: ")));
}

TEST(Config, ReportsTomlErrorsWithTheirLine) {
    EXPECT_THAT(errors("\n\nsocket = \n"),
                ElementsAre(HasSubstr("h.toml:3: not TOML: missing value")));
    EXPECT_THAT(errors("a = 1\na = 2"), ElementsAre(HasSubstr("h.toml:2: not TOML: ")));
    EXPECT_THAT(errors("a = \"x"), ElementsAre(HasSubstr("h.toml:1: not TOML: ")));
    EXPECT_THAT(errors("[x"), ElementsAre(HasSubstr("h.toml:1: not TOML: ")));
    EXPECT_THAT(errors("a = \"\xff\""), ElementsAre(HasSubstr("h.toml:1: not TOML: ")));
}

TEST(Config, ReportsAFileThatCannotBeRead) {
    for (const char* path : {"/no/such/file", "/"}) {
        try {
            load_config(path);
            FAIL();
        } catch (const ConfigError& error) {
            EXPECT_THAT(error.messages(),
                        ElementsAre(HasSubstr(std::string(path) + ": cannot be read: ")));
        }
    }
}

}  // namespace
}  // namespace herald::sidecar
