// [ingest] of herald.toml, and the environment that it looks at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sidecar/config.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;

class IngestConfigTest : public testing::Test {
  protected:
    IngestConfigTest() {
        unsetenv("ONEPIECE_INGEST_REGISTRY");
        setenv("HOME", "/home/u", 1);
    }
    ~IngestConfigTest() override {
        unsetenv("ONEPIECE_INGEST_REGISTRY");
        home_.empty() ? unsetenv("HOME") : setenv("HOME", home_.c_str(), 1);
    }

    // A file with these keys under [ingest], in its first lines.
    static Config parse(const std::string& keys) {
        return parse_config(
            "[ingest]\n" + keys + "\n[[feed]]\nname = \"i\"\nchannels = \"trafalgar:ingest\"\n",
            "herald.toml", "");
    }
    static std::vector<std::string> problems(const std::string& keys) {
        try {
            parse(keys);
        } catch (const ConfigError& error) {
            return error.messages();
        }
        return {};
    }

    const std::string home_ = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
};

TEST_F(IngestConfigTest, IsOffWithoutItsTable) {
    setenv("ONEPIECE_INGEST_REGISTRY", "/x", 1);
    const std::string feed = "[[feed]]\nname = \"i\"\nchannels = \"i\"\n";
    EXPECT_FALSE(parse_config(feed, "herald.toml", "").ingest.enabled);
}

TEST_F(IngestConfigTest, HasDefaults) {
    const IngestConfig ingest = parse("").ingest;
    EXPECT_TRUE(ingest.enabled);
    EXPECT_EQ(ingest.registry, "/home/u/.cache/onepiece/ingest_runs.json");
    EXPECT_EQ(ingest.channel, "trafalgar:ingest");
    EXPECT_EQ(ingest.poll_ms, 5000u);
    EXPECT_EQ(ingest.max_size, 64u << 20);
}

TEST_F(IngestConfigTest, ReadsItsKeys) {
    const IngestConfig ingest =
        parse("registry = \"/srv/runs.json\"\npoll = \"1m\"\nmax_size = \"1M\"").ingest;
    EXPECT_EQ(ingest.registry, "/srv/runs.json");
    EXPECT_EQ(ingest.poll_ms, 60'000u);
    EXPECT_EQ(ingest.max_size, 1u << 20);
    EXPECT_EQ(parse("registry = \"~/runs.json\"").ingest.registry, "/home/u/runs.json");
}

TEST_F(IngestConfigTest, TheEnvironmentWins) {
    setenv("ONEPIECE_INGEST_REGISTRY", "/from/environment.json", 1);
    EXPECT_EQ(parse("registry = \"/srv/runs.json\"").ingest.registry, "/from/environment.json");
    setenv("ONEPIECE_INGEST_REGISTRY", "~/e.json", 1);
    EXPECT_EQ(parse("").ingest.registry, "/home/u/e.json");
    setenv("ONEPIECE_INGEST_REGISTRY", "", 1);
    EXPECT_EQ(parse("registry = \"/srv/runs.json\"").ingest.registry, "/srv/runs.json");
}

TEST_F(IngestConfigTest, RefusesWhatIsWrongAndSaysWhatWouldBeRight) {
    EXPECT_THAT(problems("registry = \"runs.json\""),
                ElementsAre("herald.toml:2: [ingest] registry is \"runs.json\"; expected the "
                            "absolute path of a file, starting with / or ~/"));
    EXPECT_THAT(
        problems("poll = \"0s\""),
        ElementsAre("herald.toml:2: [ingest] poll is \"0s\"; expected a time from \"1s\" to "
                    "\"1h\""));
    EXPECT_THAT(problems("poll = \"2h\"").size(), 1);
    EXPECT_THAT(problems("max_size = 10"),
                ElementsAre("herald.toml:2: [ingest] max_size is 10; expected 1K to 1G"));
    EXPECT_THAT(problems("channel = \"other\""),
                ElementsAre("herald.toml:1: [ingest] publishes on the channel \"other\", which no "
                            "feed claims; expected a [[feed]] with channels = \"other\""));
    EXPECT_EQ(problems("path = \"/x\"").size(), 1u);
    setenv("ONEPIECE_INGEST_REGISTRY", "x", 1);
    EXPECT_THAT(problems(""),
                ElementsAre("herald.toml: the environment's ONEPIECE_INGEST_REGISTRY is \"x\"; "
                            "expected the absolute path of a file, starting with / or ~/"));
    unsetenv("ONEPIECE_INGEST_REGISTRY");
    unsetenv("HOME");
    EXPECT_THAT(problems(""),
                ElementsAre("herald.toml: [ingest] has no registry; the default is "
                            "\"~/.cache/onepiece/ingest_runs.json\", and the environment's HOME "
                            "does not say where that is; expected an absolute path"));
}

}  // namespace
}  // namespace herald::sidecar
