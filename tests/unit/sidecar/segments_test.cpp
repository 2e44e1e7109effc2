// What the threads that read the journal are told of its files.
#include "sidecar/segments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::sidecar {
namespace {

TEST(SegmentName, HasTheLogAndTheFirstSeq) {
    EXPECT_EQ(segment_name(0x7f3a2c01, 42), "7f3a2c01-00000000000000000042.jsonl");
    const auto parsed = parse_segment_name("7f3a2c01-00000000000000000042.jsonl");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->log, 0x7f3a2c01u);
    EXPECT_EQ(parsed->first_seq, 42u);
}

TEST(SegmentName, HasOneSpelling) {
    for (const char* name :
         {"7f3a2c01-00000000000000000000.jsonl", "7F3A2C01-00000000000000000042.jsonl",
          "7f3a2c01-0000000000000000042.jsonl", "7f3a2c01-00000000000000000042.json",
          "7f3a2c01-00000000000000000042.jsonl.torn", "7f3a2c01_00000000000000000042.jsonl",
          "7f3a2c01-0000000000000000004x.jsonl", "7f3a2c01-99999999999999999999.jsonl", ""})
        EXPECT_FALSE(parse_segment_name(name)) << name;
}

TEST(Segments, MayBeReadUpToWhereTheNewestIsWritten) {
    Segments segments;
    segments.assign({{1, 1, "a"}});
    segments.extend(100, 7);
    EXPECT_EQ(segments.readable(1), 100u);
    segments.add({1, 8, "b"});
    EXPECT_EQ(segments.readable(1), UINT64_MAX);
    EXPECT_EQ(segments.readable(8), 0u);
    segments.extend(50, 9);
    EXPECT_EQ(segments.readable(8), 50u);
    segments.remove_oldest();
    EXPECT_EQ(segments.readable(1), UINT64_MAX);
    EXPECT_EQ(segments.view().segments.size(), 1u);
}

TEST(Segments, KeepTheHighestSeqWhereLinesAreGivenAgain) {
    Segments segments;
    segments.assign({{1, 1, "a"}});
    segments.extend(100, 7);
    segments.add({1, 5, "b"});
    segments.extend(10, 5);
    EXPECT_EQ(segments.last_seq(), 7u);
}

TEST(Segments, WakeEveryThreadThatWaits) {
    Segments segments;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&segments] { segments.wait(600000); });
    segments.wake();
    for (std::thread& thread : threads)
        thread.join();
}

TEST(Segments, DoNotLetWaitWhoMissedAWake) {
    Segments segments;
    segments.wake();
    segments.wait(600000);
    segments.wake();
    segments.wake();
    segments.wait(600000);
    segments.wait(1);
}

}  // namespace
}  // namespace herald::sidecar
