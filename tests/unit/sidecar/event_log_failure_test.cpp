// Events while the journal cannot be written: shown all the same, and written when it can be.
#include "event_log_fixture.hpp"

namespace herald::sidecar {
namespace {

using ring::JournalState;
using ring::Kind;
using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

using EventLogFailure = EventLogFixture;

TEST_F(EventLogFailure, IsToldToWhoeverMapsTheRing) {
    start_log();
    commit(1, 2);
    g_faults.write = ENOSPC;
    commit(3, 3);
    EXPECT_TRUE(events_->is_behind());
    EXPECT_EQ(header().journal, JournalState::Failing);
    EXPECT_EQ(header().journaled_seq, 2u);
    EXPECT_EQ(events_->journaled_seq(), 2u);
    EXPECT_EQ(count(ring::kJournalErrors), 1u);
}

TEST_F(EventLogFailure, StillShowsEvents) {
    start_log();
    g_faults.write = ENOSPC;
    commit(1, 2);
    EXPECT_EQ(rings(), 1u);
    commit(3, 3);
    EXPECT_EQ(rings(), 1u);
    EXPECT_EQ(outline(shown()),
              (Outline{{Kind::Event, 1, 0}, {Kind::Event, 2, 0}, {Kind::Event, 3, 0}}));
    EXPECT_THAT(journaled(), IsEmpty());
}

TEST_F(EventLogFailure, CatchesUpWithEverythingInOrder) {
    start_log();
    commit(1, 2);
    g_faults.write = ENOSPC;
    commit(3, 4);
    events_->redis_lost();
    JournalEntry entry;
    entry.ends = true;
    entry.channel = "jobs:2";
    entry.data = "[]";
    events_->append(entry);
    events_->redis_connected();
    const std::vector<Seen> all = shown();
    ASSERT_THAT(all, SizeIs(7));

    g_faults.write = 0;
    int commits = 0;
    events_->on_commit([&] { ++commits; });
    run_until_caught_up();
    EXPECT_EQ(journaled(), all);
    EXPECT_EQ(commits, 1);
    EXPECT_EQ(header().journal, JournalState::Working);
    EXPECT_EQ(header().journaled_seq, 7u);
    EXPECT_EQ(count(ring::kJournalLost), 0u);

    commit(8, 8);
    EXPECT_THAT(journaled(), SizeIs(8));
    stop_log();
    start_log();
    std::vector<Seen> again = shown();
    EXPECT_EQ(outline({again.back()}), (Outline{{Kind::Away, 9, 0}}));
    again.resize(7);
    EXPECT_EQ(again, all);
}

TEST_F(EventLogFailure, PutsNoEventBeforeThoseThatAreStillMissing) {
    start_log();
    g_faults.write = ENOSPC;
    commit(1, 1);
    g_faults.write = 0;
    commit(2, 3);  // the disk has room again, but 1 comes first
    EXPECT_THAT(journaled(), IsEmpty());
    EXPECT_EQ(header().journal, JournalState::Failing);
    run_until_caught_up();
    EXPECT_EQ(journaled(), shown());
}

TEST_F(EventLogFailure, GoesOnTryingWhileTheDiskIsFull) {
    start_log();
    g_faults.write = ENOSPC;
    commit(1, 3);
    run_until([&] { return journal_->errors() >= 3; });  // a turn of the loop may be late for two
    EXPECT_TRUE(events_->is_behind());
    EXPECT_EQ(count(ring::kJournalErrors), journal_->errors());
    g_faults.write = 0;
    run_until_caught_up();
    EXPECT_EQ(journaled(), shown());
}

TEST_F(EventLogFailure, LeavesNoHalfLineBehind) {
    start_log();
    commit(1, 1);
    g_faults.write = ENOSPC;
    g_faults.write_room = 30;
    commit(2, 2);
    g_faults.write = 0;
    run_until_caught_up();
    EXPECT_EQ(journaled(), shown());
    EXPECT_EQ(read_all(), seqs(1, 2));
    EXPECT_EQ(bad_lines_, 0u);
}

TEST_F(EventLogFailure, WritesAnewWhatASyncHasFailedFor) {
    start_log();
    commit(1, 2);
    g_faults.sync = EIO;
    journal_->sync_in_background();
    run_until([this] { return events_->is_behind(); });
    EXPECT_EQ(header().journal, JournalState::Failing);
    EXPECT_EQ(header().journaled_seq, 0u);
    g_faults.sync = 0;
    commit(3, 3);
    run_until_caught_up();
    EXPECT_EQ(header().journaled_seq, 3u);
    EXPECT_EQ(journaled(), shown());
}

TEST_F(EventLogFailure, ShowsWhatASyncBeforeTheRingHasFailedFor) {
    config_.journal.fsync = Fsync::Always;
    start_log();
    g_faults.sync = EIO;
    commit(1, 2);
    EXPECT_THAT(shown(), SizeIs(2));
    EXPECT_EQ(header().journaled_seq, 0u);
    g_faults.sync = 0;
    run_until_caught_up();
    EXPECT_EQ(journaled(), shown());
}

// -- what the ring has lost by then

class Eviction : public EventLogFixture {
  protected:
    Eviction() { config_.ring_size = 16 << 10; }

    // Writes 1 to 3, and lets the ring lose some of what comes behind them.
    void lose_some() {
        start_log();
        commit(1, 3);
        g_faults.write = ENOSPC;
        commit(4, 500);
        first_left_ = header().evicted_seq + 1;
        ASSERT_GT(first_left_, 4u);
    }
    void expect_one_gap() {
        std::vector<Seen> expected = shown();
        const std::vector<Seen> all = journaled();
        ASSERT_GE(all.size(), 4u);
        EXPECT_EQ(outline({all.begin(), all.begin() + 4}),
                  (Outline{{Kind::Event, 1, 0},
                           {Kind::Event, 2, 0},
                           {Kind::Event, 3, 0},
                           {Kind::Gap, first_left_ - 1, 3}}));
        EXPECT_EQ(std::vector<Seen>(all.begin() + 4, all.end()), expected);
        EXPECT_EQ(count(ring::kJournalLost), first_left_ - 1 - 3);
    }

    uint64_t first_left_ = 0;
};

TEST_F(Eviction, IsAnnouncedByAGapAndCounted) {
    lose_some();
    g_faults.write = 0;
    run_until_caught_up();
    expect_one_gap();
}

TEST_F(Eviction, IsCountedOnceHoweverOftenTheJournalFails) {
    lose_some();
    run_until([&] { return journal_->errors() >= 4; });
    g_faults.write = 0;
    run_until_caught_up();
    expect_one_gap();
}

TEST_F(Eviction, IsCountedOnceWhereItsGapHasToBeWrittenAnew) {
    config_.journal.fsync = Fsync::EverySec;
    lose_some();
    g_faults.write = 0;
    g_faults.sync = 0;
    run_until_caught_up();
    const uint64_t lost = count(ring::kJournalLost);
    ASSERT_EQ(lost, first_left_ - 1 - 3);
    g_faults.sync = EIO;
    journal_->sync_in_background();
    run_until([this] { return events_->is_behind(); });
    g_faults.sync = 0;
    run_until_caught_up();
    // The first three were on no disk, and the ring has lost them, too.
    EXPECT_EQ(count(ring::kJournalLost), lost + 3);
    EXPECT_EQ(header().journaled_seq, 500u);
}

// The ring's own Gap is the first thing that a start appends.
TEST_F(Eviction, OfANoticeTakesOverWhatItSaid) {
    start_log();
    commit(1, 3);
    kill_log();
    reboot();
    start(config_.journal);
    const uint64_t last = journal_->last_seq();
    ASSERT_GT(last, 3u);
    g_faults.write = ENOSPC;
    fill_ring();
    commit(1, 500);
    const uint64_t evicted = header().evicted_seq;
    ASSERT_GT(evicted, last + 2);
    g_faults.write = 0;
    run_until_caught_up();

    const std::vector<Seen> all = journaled();
    ASSERT_GE(all.size(), 4u);
    EXPECT_EQ(outline({all[2], all[3]}), (Outline{{Kind::Event, 3, 0}, {Kind::Gap, evicted, 3}}));
    EXPECT_EQ(std::vector<Seen>(all.begin() + 4, all.end()), shown());
    EXPECT_EQ(count(ring::kJournalLost), evicted - last);
}

TEST_F(Eviction, IsKnownToTheNextStart) {
    lose_some();
    g_faults.write = 0;
    run_until_caught_up();
    const std::vector<Seen> before = journaled();
    restart_log();
    const std::vector<Seen> after = journaled();
    ASSERT_EQ(after.size(), before.size() + 1);
    EXPECT_EQ(outline({after.back()}), (Outline{{Kind::Away, 501, 0}}));
}

TEST_F(EventLogFailure, ThatLastsToTheEndIsAGapOfTheNextStart) {
    start_log();
    commit(1, 3);
    g_faults.write = ENOSPC;
    commit(4, 9);
    stop_log();
    g_faults.write = 0;
    start_log();
    const uint64_t last = journal_->last_seq();
    EXPECT_GE(last, 9u);
    EXPECT_EQ(outline(journaled()), (Outline{{Kind::Event, 1, 0},
                                             {Kind::Event, 2, 0},
                                             {Kind::Event, 3, 0},
                                             {Kind::Gap, last + 1, 3},
                                             {Kind::Away, last + 2, 0}}));
}

}  // namespace
}  // namespace herald::sidecar
