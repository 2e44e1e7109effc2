// Per-channel files in fair weather, and when a file or a disk is not as it should be.
#include "sidecar/jsonl_files.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "jsonl_harness.hpp"

namespace herald::sidecar {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class JsonlFilesTest : public testing::Test, public JsonlHarness {};

void append_to(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::app) << text;
}

size_t open_descriptors() {
    size_t count = 0;
    for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

TEST_F(JsonlFilesTest, WriteThePublishedObjectsOneALine) {
    publish("a", R"({"n":1})");
    publish("b", R"({"n":2})");
    publish("a", R"({"n":3})");
    run();
    EXPECT_EQ(content("a"), "{\"n\":1}\n{\"n\":3}\n");
    EXPECT_EQ(content("b"), "{\"n\":2}\n");
}

TEST_F(JsonlFilesTest, AreForTheirOwnerAndGroup) {
    publish("a", "1");
    run();
    struct stat status {};
    ASSERT_EQ(stat(file("a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0137, 0u);
    ASSERT_EQ(stat((state() + "/runs/a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0750u);
}

TEST_F(JsonlFilesTest, GoOnWhereTheyWere) {
    for (int i = 0; i < 5; ++i) {
        publish("a", "1");
        publish("b", std::to_string(i));
        run();
    }
    EXPECT_EQ(found(), expected());
}

TEST_F(JsonlFilesTest, ComeFromFeedsThatAskForThemAlone) {
    journal_.push_back({next_seq_++, "silent:a", "1"});
    journal_.push_back({next_seq_++, "unknown", "2"});
    journal_.push_back({next_seq_++, "", "", ring::Kind::RedisLost});
    run();
    EXPECT_FALSE(std::filesystem::exists(state() + "/runs"));
    EXPECT_EQ(projection().open(), 3u);
}

TEST_F(JsonlFilesTest, MayBeAnywhereOnTheMachine) {
    feeds_[0].jsonl = directory_ / "elsewhere/{id}.jsonl";
    publish("a/b", "1");
    run();
    publish("a/b", "2");
    run();
    EXPECT_EQ(read_file(directory_ / "elsewhere/a%2Fb.jsonl"), "1\n2\n");
}

TEST_F(JsonlFilesTest, CanBeOneFileForTwoFeeds) {
    Feed other{.name = "other", .channels = ChannelPattern("other:{id}")};
    other.jsonl = feeds_[0].jsonl;
    feeds_.push_back(other);
    publish("a", "1");
    journal_.push_back({next_seq_++, "other:a", "2"});
    publish("a", "3");
    run();
    EXPECT_EQ(content("a"), "1\n2\n3\n");
}

TEST_F(JsonlFilesTest, RefuseATemplateThatIsNone) {
    feeds_[0].jsonl = "runs/{run}";
    EXPECT_THROW(projection(), std::invalid_argument);
}

TEST_F(JsonlFilesTest, AreMoreThanMayBeOpen) {
    limits_.open_files = 8;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 50; ++i)
            publish("c" + std::to_string(i), std::to_string(round));
    }
    JsonlFiles files = projection();
    const size_t before = open_descriptors();
    feed(files, 40);
    EXPECT_LE(open_descriptors(), before + 8 + 2);  // the checkpoint, the file system
    EXPECT_EQ(found(), expected());
}

TEST_F(JsonlFilesTest, AreWrittenOnceABatch) {
    static int appends;
    appends = 0;
    for (int i = 0; i < 100; ++i)
        publish(i % 2 ? "a" : "b", std::to_string(i));
    StepHook hook([](const char* step) { appends += std::string_view(step) == "jsonl.appended"; });
    run(50);
    EXPECT_EQ(appends, 4);
}

TEST_F(JsonlFilesTest, WriteEarlyWhenMuchIsGathered) {
    limits_.buffer = 1000;
    JsonlFiles files = projection();
    files.open();
    publish("a", std::string(1000, '1'));
    files.apply(entry(journal_.back()));
    EXPECT_EQ(content("a").size(), 1001u);
}

TEST_F(JsonlFilesTest, MakeACheckpointWhenManyFilesAreKnown) {
    limits_.known_files = 10;
    limits_.checkpoint_ms = 3'600'000;
    for (int i = 0; i < 25; ++i)
        publish(std::to_string(i), "1");
    JsonlFiles files = projection();
    feed(files, 1);
    EXPECT_EQ(JsonlCheckpoint(state() + "/jsonl").load()->seq, 20u);
}

TEST_F(JsonlFilesTest, SayWhereTheyHaveGot) {
    publish("a", "1");
    publish("a", "2");
    run();
    EXPECT_EQ(projection().open(), 2u);
    JsonlFiles files = projection();
    files.open();
    files.skip(2, 10);
    files.commit();
    files.tend(0);
    journal_.push_back({10, "unknown", "3"});
    EXPECT_EQ(projection().open(), 10u);
}

TEST_F(JsonlFilesTest, SyncBeforeTheyPromise) {
    static std::string steps;
    steps.clear();
    fsync_ = Fsync::EverySec;
    publish("a", "1");
    StepHook hook([](const char* step) { steps += std::string(step) + " "; });
    run();
    EXPECT_EQ(steps,
              "jsonl.intended jsonl.half_appended jsonl.appended jsonl.syncing "
              "jsonl.checkpointed ");
    EXPECT_EQ(found(), expected());
}

TEST_F(JsonlFilesTest, AreMadeAnewWhenSomebodyDeletesThem) {
    JsonlFiles files = projection();
    publish("a", "1");
    feed(files);
    std::filesystem::remove_all(state() + "/runs");
    publish("a", "2");
    files.apply(entry(journal_.back()));
    files.commit();
    EXPECT_EQ(content("a"), "2\n");
    // Nor does a crash now bring back, or repeat, what is in the new file.
    run();
    EXPECT_EQ(content("a"), "2\n");
}

TEST_F(JsonlFilesTest, AreMadeAnewWhenSomebodyMovesThemAway) {
    JsonlFiles files = projection();
    publish("a", "1");
    feed(files);
    std::filesystem::rename(file("a"), file("a") + ".1");
    publish("a", "2");
    files.apply(entry(journal_.back()));
    files.commit();
    EXPECT_EQ(read_file(file("a") + ".1"), "1\n");
    EXPECT_EQ(content("a"), "2\n");
}

TEST_F(JsonlFilesTest, BeginALineOfTheirOwnBehindSomebodyElsesHalfLine) {
    publish("a", "1");
    run();
    append_to(file("a"), "half");
    publish("a", "2");
    run();
    EXPECT_EQ(content("a"), "1\nhalf\n2\n");
}

TEST_F(JsonlFilesTest, DoNotStopForOneThatCannotBeWritten) {
    std::filesystem::create_directories(file("directory"));
    std::filesystem::create_directories(state() + "/runs/link");
    std::filesystem::create_symlink(directory_ / "elsewhere", file("link"));
    std::filesystem::create_directories(state() + "/runs/fifo");
    ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
    append_to(state() + "/runs/plain", "");
    for (const char* id : {"directory", "link", "fifo", "plain", "good"})
        publish(id, "1");

    JsonlFiles files = projection();
    feed(files);
    EXPECT_EQ(content("good"), "1\n");
    EXPECT_EQ(files.refused_lines(), 4u);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));
}

TEST_F(JsonlFilesTest, GoOnWithOneThatCanBeWrittenAgain) {
    JsonlFiles files = projection();
    publish("a", "1");
    feed(files);
    std::filesystem::rename(file("a"), file("a") + ".aside");
    std::filesystem::create_directory(file("a"));
    publish("a", "2");
    files.apply(entry(journal_.back()));
    files.commit();
    EXPECT_EQ(files.refused_lines(), 1u);

    std::filesystem::remove(file("a"));
    std::filesystem::rename(file("a") + ".aside", file("a"));
    publish("a", "3");
    files.apply(entry(journal_.back()));
    files.commit();
    EXPECT_EQ(content("a"), "1\n3\n");
    run();  // as after a crash
    EXPECT_EQ(content("a"), "1\n3\n");
}

TEST_F(JsonlFilesTest, TakeBackHalfALineWhereAFileMayNotGrow) {
    struct rlimit before {};
    getrlimit(RLIMIT_FSIZE, &before);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    publish("big", std::string(3000, '1'));
    run();
    publish("big", std::string(3000, '2'));
    publish("small", "3");
    struct rlimit limit = before;
    limit.rlim_cur = 4096;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    JsonlFiles files = projection();
    feed(files);
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);

    EXPECT_EQ(files.refused_lines(), 1u);
    EXPECT_EQ(content("big"), std::string(3000, '1') + "\n");
    EXPECT_EQ(content("small"), "3\n");
}

TEST_F(JsonlFilesTest, LoseNothingToAFullDisk) {
    static int halves;
    halves = 0;
    for (int i = 0; i < 30; ++i)
        publish(std::to_string(i % 3), "{\"n\":" + std::to_string(i) + "}");
    JsonlFiles files = projection();
    {
        StepHook hook([](const char* step) {
            if (std::string_view(step) == "jsonl.half_appended" && ++halves == 5)
                throw std::system_error(ENOSPC, std::generic_category(), "append");
        });
        EXPECT_THROW(feed(files, 10), std::system_error);
        EXPECT_NE(found(), expected());
    }
    feed(files, 10);
    EXPECT_EQ(found(), expected());
}

TEST_F(JsonlFilesTest, AreWrittenAgainInPlaceWhenASyncHasFailed) {
    fsync_ = Fsync::EverySec;
    publish("a", "1");
    JsonlFiles files = projection();
    feed(files);
    {
        StepHook hook([](const char* step) {
            if (std::string_view(step) == "jsonl.syncing")
                throw std::system_error(EIO, std::generic_category(), "sync");
        });
        EXPECT_THROW(files.tend(0), std::system_error);
    }
    const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, file("a").c_str(), long_ago, 0), 0);
    feed(files);
    EXPECT_EQ(content("a"), "1\n");
    struct stat status {};
    ASSERT_EQ(stat(file("a").c_str(), &status), 0);
    EXPECT_GT(status.st_mtim.tv_sec, 1000);
}

TEST_F(JsonlFilesTest, AreRebuiltWhenTheyAreMissing) {
    for (int i = 0; i < 20; ++i)
        publish(std::to_string(i % 4), "\"same\"");
    run();
    std::filesystem::remove_all(state());
    limits_.open_files = 1;
    limits_.known_files = 1;  // a checkpoint after every batch
    run(3);
    EXPECT_EQ(found(), expected());
}

TEST_F(JsonlFilesTest, DoNotRepeatLinesWhenTheCheckpointIsMissing) {
    for (int i = 0; i < 20; ++i)
        publish(std::to_string(i % 4), std::to_string(i));
    run();
    std::filesystem::remove_all(state() + "/jsonl");
    publish("0", "\"new\"");
    publish("new", "\"new\"");
    const auto expected_files = expected();
    journal_.erase(journal_.begin(), journal_.begin() + 7);  // the journal has been pruned
    limits_.known_files = 1;
    run(3);
    EXPECT_EQ(found(), expected_files);
    publish("1", "\"newer\"");
    run();
    EXPECT_THAT(content("1"), testing::EndsWith("17\n\"newer\"\n"));
}

TEST_F(JsonlFilesTest, GoOnBehindTheirLinesWhenTheJournalIsLost) {
    for (int i = 0; i < 9; ++i)
        publish("a", "1");
    run();
    const std::string before = content("a");

    journal_.clear();
    next_seq_ = 1;
    JsonlFiles files = projection();
    publish("a", "1");
    publish("b", "2");
    feed(files);
    EXPECT_EQ(content("a"), before + "1\n");
    EXPECT_EQ(content("b"), "2\n");
    files.tend(0);
    EXPECT_EQ(files.open(), 2u);
}

TEST_F(JsonlFilesTest, KeepTheLinesOfEventsThatTheJournalHasLost) {
    for (int i = 0; i < 9; ++i)
        publish(i % 2 ? "a" : "b", std::to_string(i % 6));
    run();
    const auto before = found();
    const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
    for (const char* id : {"a", "b"})
        ASSERT_EQ(utimensat(AT_FDCWD, file(id).c_str(), long_ago, 0), 0);

    journal_.resize(4);
    next_seq_ = 5;
    JsonlFiles files = projection();
    publish("a", "3");  // as the last one that is left of `a`, and one that is lost
    publish("a", "5");
    feed(files, 1);
    EXPECT_EQ(content("a"), before.at("a") + "3\n5\n");
    EXPECT_EQ(content("b"), before.at("b"));
    files.tend(0);
    run();
    EXPECT_EQ(content("a"), before.at("a") + "3\n5\n");
}

TEST_F(JsonlFilesTest, AreNotStartedAnewForAJournalThatGoesBackLater) {
    JsonlFiles files = projection();
    for (int i = 0; i < 3; ++i)
        publish("a", std::to_string(i));
    feed(files);
    files.tend(0);
    journal_.resize(1);
    EXPECT_EQ(files.open(), 3u);
}

TEST_F(JsonlFilesTest, SayThatTheCheckpointCannotBeWritten) {
    append_to(directory_ / "state", "");
    publish("a", "1");
    JsonlFiles files = projection();
    try {
        files.open();
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_THAT(error.what(), HasSubstr(state()));
    }
}

}  // namespace
}  // namespace herald::sidecar
