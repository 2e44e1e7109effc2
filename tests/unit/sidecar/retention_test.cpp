// Which segments are deleted, and which stay.
#include "sidecar/retention.hpp"

#include "journal_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAreArray;

constexpr uint64_t kHour = 3600 * 1000;
constexpr uint64_t kDay = 24 * kHour;
constexpr uint64_t kNow = 20000 * kDay;

class RetentionTest : public JournalFixture {
  protected:
    // A journal of one line for each time, a segment each.
    void start_with(const std::vector<uint64_t>& times, uint64_t retention_ms, uint64_t max_size) {
        JournalConfig config;
        config.fsync = Fsync::Never;
        config.segment = 1;
        config.retention_ms = retention_ms;
        config.max_size = max_size;
        start(config);
        uint64_t seq = 0;
        for (uint64_t at_ms : times) {
            std::string one;
            append_line(one, {ring::Kind::Event,
                              false,
                              {journal_->log(), ++seq},
                              0,
                              at_ms,
                              "c",
                              "",
                              data_of(seq)});
            ASSERT_TRUE(journal_->write(one, seq, seq));
            size_ = one.size();
        }
        ASSERT_EQ(segment_paths().size(), times.size());
    }
    void expect_left(uint64_t first, uint64_t last) {
        EXPECT_THAT(read_all(), ElementsAreArray(seqs(first, last)));
        EXPECT_EQ(segment_paths().size(), last - first + 1);
    }

    // Twice, with as much time in between as a segment has to stay too old.
    void prune(uint64_t now_ms, uint64_t applied_seq) {
        journal_->prune(now_ms, applied_seq, steady_ms_);
        steady_ms_ += kHour;
        journal_->prune(now_ms, applied_seq, steady_ms_);
    }

    uint64_t size_ = 0;  // bytes of a segment
    uint64_t steady_ms_ = 1000;
};

TEST_F(RetentionTest, DeletesWhatIsOlderThanItsAge) {
    start_with({kNow - 9 * kDay, kNow - 8 * kDay, kNow - 6 * kDay, kNow}, 7 * kDay, 0);
    prune(kNow, 4);
    expect_left(3, 4);
    prune(kNow + kDay, 4);
    expect_left(3, 4);
    prune(kNow + kDay + 1, 4);
    expect_left(4, 4);
}

TEST_F(RetentionTest, NeverDeletesTheNewest) {
    start_with({1, 2, 3}, 1, 1);
    prune(kNow, 3);
    expect_left(3, 3);
    ASSERT_TRUE(write(4, 4));
}

TEST_F(RetentionTest, DeletesTheOldestBeyondTheSize) {
    start_with({kNow, kNow, kNow, kNow}, kDay, 0);
    const uint64_t max_size = 2 * size_ + size_ / 2;
    stop();
    JournalConfig config;
    config.max_size = max_size;
    start(config);
    prune(kNow, 0);
    expect_left(3, 4);
}

TEST_F(RetentionTest, KeepsWhatAProjectionStillNeeds) {
    start_with({1, 2, 3, 4}, kDay, 0);
    prune(kNow, 2);
    expect_left(3, 4);
    prune(kNow, 0);
    expect_left(3, 4);
    prune(kNow, 4);
    expect_left(4, 4);
}

TEST_F(RetentionTest, HasNoBoundsWhereNoneAreSet) {
    start_with({1, 2, 3}, 0, 0);
    prune(kNow, 3);
    expect_left(1, 3);
}

TEST_F(RetentionTest, TakesATimeInTheFutureForThatOfTheNextSegment) {
    start_with({kNow + 1000 * kDay, kNow - 8 * kDay, kNow + 5 * kDay, kNow}, 7 * kDay, 0);
    prune(kNow, 4);
    expect_left(3, 4);
}

TEST_F(RetentionTest, KeepsASegmentThatSeemsOldBehindAYoungerOne) {
    start_with({kNow - kDay, 5, kNow}, 7 * kDay, 0);
    prune(kNow, 3);
    expect_left(1, 3);
}

TEST_F(RetentionTest, DeletesNothingForAWallClockThatIsPutRightWithinAnHour) {
    start_with({kNow - 3, kNow - 2, kNow - 1, kNow}, 7 * kDay, 0);
    const uint64_t ahead = kNow + 1000 * kDay;
    for (uint64_t steady_ms : {uint64_t{0}, kHour - 1})
        journal_->prune(ahead, 4, steady_ms);
    journal_->prune(kNow, 4, kHour);
    // Another jump is counted anew.
    journal_->prune(ahead, 4, kHour + 1);
    journal_->prune(ahead, 4, 2 * kHour);
    expect_left(1, 4);
    journal_->prune(ahead, 4, 2 * kHour + 1);
    expect_left(4, 4);
}

TEST_F(RetentionTest, WaitsNoLongerThanTheAgeItself) {
    start_with({1, 2, kNow}, 5000, 0);
    journal_->prune(kNow, 3, 100);
    journal_->prune(kNow, 3, 5099);
    expect_left(1, 3);
    journal_->prune(kNow, 3, 5100);
    expect_left(3, 3);
}

TEST_F(RetentionTest, DeletesWhatWasTornOffWithItsSegment) {
    start_with({1, 2, kNow}, kDay, 0);
    const std::string torn = torn_path(segment_paths().at(0));
    put_file(torn, "torn");
    prune(kNow, 3);
    expect_left(3, 3);
    EXPECT_NE(access(torn.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace herald::sidecar
