#include "sidecar/webhooks/dead_letters.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "../temporary_directory.hpp"
#include "sidecar/files.hpp"

namespace herald::sidecar {
namespace {

Delivery dead() {
    Delivery delivery;
    delivery.id = {0x7f3a2c01, 42};
    delivery.at_ms = 1763719200123;
    delivery.channel = "jobs:1";
    delivery.event = "done";
    delivery.data = "{\"data\": 1.50}";
    delivery.attempts = 3;
    delivery.status = 500;
    delivery.error = "HTTP status 500";
    return delivery;
}

constexpr const char* kLine =
    "{\"id\":\"7f3a2c01-42\",\"at\":\"2025-11-21T10:00:00.123Z\",\"channel\":\"jobs:1\","
    "\"event\":\"done\",\"url\":\"https://hooks.example.com\",\"status\":500,"
    "\"error\":\"HTTP status 500\",\"attempts\":3,\"dead_at\":\"2025-11-22T10:00:00.123Z\","
    "\"data\":{\"data\": 1.50}}\n";

class DeadLettersTest : public testing::Test {
  protected:
    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "x.dead.jsonl";
    DeadLetters letters_{path_, "https://hooks.example.com"};
};

TEST_F(DeadLettersTest, AreLinesWithAllThatIsKnown) {
    letters_.add(dead(), 1763805600123);
    letters_.flush();
    EXPECT_TRUE(letters_.empty());
    EXPECT_EQ(read_file(path_), kLine);
}

TEST_F(DeadLettersTest, TellWhatWasLost) {
    letters_.add_lost(41, 50, 1763805600123);
    letters_.flush();
    EXPECT_EQ(read_file(path_),
              "{\"lost\":{\"after_seq\":41,\"to_seq\":50},\"url\":\"https://hooks.example.com\","
              "\"dead_at\":\"2025-11-22T10:00:00.123Z\"}\n");
}

TEST_F(DeadLettersTest, BeginALineOfTheirOwnBehindATornOne) {
    std::ofstream(path_) << "{\"id\":\"7f3";
    letters_.add(dead(), 1763805600123);
    letters_.flush();
    EXPECT_EQ(read_file(path_), std::string("{\"id\":\"7f3\n") + kLine);
}

TEST_F(DeadLettersTest, AreAppendedToAFileThatWasMovedAway) {
    letters_.add(dead(), 1763805600123);
    letters_.flush();
    ASSERT_EQ(rename(path_.c_str(), (path_ + ".1").c_str()), 0);
    letters_.add(dead(), 1763805600123);
    letters_.flush();
    EXPECT_EQ(read_file(path_), kLine);
    EXPECT_EQ(read_file(path_ + ".1"), kLine);
}

TEST_F(DeadLettersTest, WaitWhereTheyCannotBeWritten) {
    DeadLetters nowhere(directory_ / "missing/x", "https://hooks.example.com");
    nowhere.add(dead(), 1763805600123);
    EXPECT_THROW(nowhere.flush(), std::system_error);
    EXPECT_FALSE(nowhere.empty());
}

}  // namespace
}  // namespace herald::sidecar
