// Which segments are deleted, and which stay.
#include "sidecar/retention.hpp"

#include "journal_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAreArray;

constexpr uint64_t kDay = 24 * 3600 * 1000;
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

    uint64_t size_ = 0;  // bytes of a segment
};

TEST_F(RetentionTest, DeletesWhatIsOlderThanItsAge) {
    start_with({kNow - 9 * kDay, kNow - 8 * kDay, kNow - 6 * kDay, kNow}, 7 * kDay, 0);
    journal_->prune(kNow, 4);
    expect_left(3, 4);
    journal_->prune(kNow + kDay, 4);
    expect_left(3, 4);
    journal_->prune(kNow + kDay + 1, 4);
    expect_left(4, 4);
}

TEST_F(RetentionTest, NeverDeletesTheNewest) {
    start_with({1, 2, 3}, 1, 1);
    journal_->prune(kNow, 3);
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
    journal_->prune(kNow, 0);
    expect_left(3, 4);
}

TEST_F(RetentionTest, KeepsWhatAProjectionStillNeeds) {
    start_with({1, 2, 3, 4}, kDay, 0);
    journal_->prune(kNow, 2);
    expect_left(3, 4);
    journal_->prune(kNow, 0);
    expect_left(3, 4);
    journal_->prune(kNow, 4);
    expect_left(4, 4);
}

TEST_F(RetentionTest, HasNoBoundsWhereNoneAreSet) {
    start_with({1, 2, 3}, 0, 0);
    journal_->prune(kNow, 3);
    expect_left(1, 3);
}

TEST_F(RetentionTest, TakesATimeInTheFutureForThatOfTheNextSegment) {
    start_with({kNow + 1000 * kDay, kNow - 8 * kDay, kNow + 5 * kDay, kNow}, 7 * kDay, 0);
    journal_->prune(kNow, 4);
    expect_left(3, 4);
}

TEST_F(RetentionTest, KeepsASegmentThatSeemsOldBehindAYoungerOne) {
    start_with({kNow - kDay, 5, kNow}, 7 * kDay, 0);
    journal_->prune(kNow, 3);
    expect_left(1, 3);
}

TEST_F(RetentionTest, DeletesWhatWasTornOffWithItsSegment) {
    start_with({1, 2, kNow}, kDay, 0);
    const std::string torn = torn_path(segment_paths().at(0));
    put_file(torn, "torn");
    journal_->prune(kNow, 3);
    expect_left(3, 3);
    EXPECT_NE(access(torn.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace herald::sidecar
