// A batch's way: journal, ring, doorbells; and what the next start makes of it.
#include "sidecar/event_log.hpp"

#include <atomic>
#include <thread>

#include "event_log_fixture.hpp"

namespace herald::sidecar {
namespace {

using ring::Kind;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

class EventLogTest : public EventLogFixture {
  protected:
    EventLogTest() { g_looking = this; }
    ~EventLogTest() override { g_looking = nullptr; }

    // Notes at each step what each place has got.
    void watch_steps() {
        g_at_step = [](const char* name) { g_looking->note(name); };
    }
    void note(const char* name) {
        const std::string file = read_file(segment_paths().back());
        bells_ += rings();
        steps_.push_back(std::string(name) + ": " +
                         std::to_string(std::count(file.begin(), file.end(), '\n')) + " " +
                         std::to_string(header().last_seq) + " " + std::to_string(bells_));
    }

    static inline EventLogTest* g_looking = nullptr;
    uint64_t bells_ = 0;
    std::vector<std::string> steps_{};
};

// -- the order

TEST_F(EventLogTest, WritesTheJournalBeforeTheRingAndRingsLast) {
    config_.journal.fsync = Fsync::Always;
    start_log();
    append(1);
    append(2);
    watch_steps();
    events_->commit();
    g_at_step = nullptr;

    // Lines in the journal, seq in the ring, doorbells rung.
    EXPECT_THAT(steps_, ElementsAre("commit.begin: 0 0 0", "journal.before_write: 0 0 0",
                                    "journal.half_written: 0 0 0", "journal.written: 2 0 0",
                                    "journal.synced: 2 0 0", "commit.journaled: 2 0 0",
                                    "ring.appended: 2 1 0", "ring.appended: 2 2 0",
                                    "commit.shown: 2 2 0", "commit.rung: 2 2 1"));
}

TEST_F(EventLogTest, ShowsWhatItHasWritten) {
    start_log();
    JournalEntry entry;
    entry.ends = true;
    entry.channel = "jobs:\"1\"";
    entry.event = "done";
    entry.data = R"({"ok": "\u00e4"})";
    EXPECT_EQ(events_->append(entry), 1u);
    entry = {};
    entry.channel = "jobs:2";
    entry.data = "null";
    EXPECT_EQ(events_->append(entry), 2u);
    EXPECT_THAT(shown(), IsEmpty());
    events_->commit();

    const std::vector<Seen> all = shown();
    ASSERT_THAT(all, SizeIs(2));
    const Seen first{Kind::Event,          1, 0, all[0].at_ms, true, "jobs:\"1\"", "done",
                     R"({"ok": "\u00e4"})"};
    const Seen second{Kind::Event, 2, 0, all[1].at_ms, false, "jobs:2", "", "null"};
    EXPECT_THAT(all, ElementsAre(first, second));
    EXPECT_EQ(journaled(), all);
    EXPECT_EQ(header().journaled_seq, 2u);
    EXPECT_EQ(header().journal, ring::JournalState::Working);
}

TEST_F(EventLogTest, CommitsOncePerTurnOfTheLoop) {
    start_log();
    int commits = 0;
    events_->on_commit([&] { ++commits; });
    append(1);
    append(2);
    EXPECT_EQ(rings(), 0u);
    uv_run(loop_->get(), UV_RUN_NOWAIT);
    EXPECT_EQ(rings(), 1u);
    EXPECT_THAT(shown(), SizeIs(2));
    uv_run(loop_->get(), UV_RUN_NOWAIT);
    EXPECT_EQ(rings(), 0u);
    EXPECT_EQ(commits, 1);
}

TEST_F(EventLogTest, LetsNoBatchGrowWithoutBound) {
    config_.max_message = 100'000;
    config_.ring_size = 8 << 20;
    start_log();
    const std::string data(100'000, '1');
    JournalEntry entry;
    entry.channel = "jobs:1";
    entry.data = data;
    for (int i = 0; i < 30; ++i)
        events_->append(entry);
    EXPECT_EQ(rings(), 2u);
    EXPECT_THAT(shown(), SizeIs(22));
    EXPECT_THAT(journaled(), SizeIs(22));
}

TEST_F(EventLogTest, WakesTheJournalsReadersSoon) {
    start_log();
    commit(1, 1);
    std::atomic<bool> woken = false;
    std::thread reader([&] {
        journal_->segments().wait(3'600'000);
        woken = true;
    });
    run_until([&] { return woken.load(); });
    reader.join();
    EXPECT_EQ(journal_->segments().last_seq(), 1u);
}

TEST_F(EventLogTest, CommitsWhatIsLeftAtItsEnd) {
    start_log();
    append(1);
    restart_log();
    EXPECT_EQ(outline(shown()), (Outline{{Kind::Event, 1, 0}, {Kind::Away, 2, 0}}));
}

// -- the next start

TEST_F(EventLogTest, TellsWorkersWhoseRingItIs) {
    start_log();
    commit(1, 1);
    const uint32_t first = journal_->log();
    stop_log();
    unlink(continuity_path().c_str());
    start_log();
    EXPECT_NE(header().log, first);
    EXPECT_EQ(header().log, journal_->log());
    EXPECT_EQ(header().max_message, 1000u);
    ASSERT_EQ(header().past_log_count, 1u);
    EXPECT_EQ(header().past_logs[0], first);
    EXPECT_NE(header().incarnation, 0u);
    EXPECT_EQ(header().redis, ring::RedisState::Connecting);
}

TEST_F(EventLogTest, StartsWithAnEmptyRingAndNoNotice) {
    start_log();
    EXPECT_THAT(shown(), IsEmpty());
    EXPECT_THAT(remembered_, IsEmpty());
    EXPECT_EQ(header().last_seq, 0u);
    EXPECT_EQ(append(1), 1u);
}

TEST_F(EventLogTest, FillsTheRingWithTheJournalsTail) {
    start_log();
    JournalEntry entry;
    entry.ends = true;
    entry.channel = "jobs:1";
    entry.event = "done";
    entry.data = R"(["\n", 1.50])";
    events_->append(entry);
    events_->redis_lost();
    events_->redis_connected();
    commit(4, 6);
    const std::vector<Seen> before = shown();
    ASSERT_THAT(before, SizeIs(6));
    kill_log();

    start_log();
    EXPECT_EQ(remembered_, before);
    std::vector<Seen> after = shown();
    ASSERT_THAT(after, SizeIs(7));
    EXPECT_EQ(after.back().kind, Kind::Away);
    EXPECT_EQ(after.back().seq, 7u);
    after.pop_back();
    EXPECT_EQ(after, before);
    EXPECT_EQ(rings(), 4u);  // two notices, a batch, and the Away
    EXPECT_EQ(append(8), 8u);
}

TEST_F(EventLogTest, GivesNoSeqTwiceOverManyEnds) {
    uint64_t last = 0;
    for (int i = 0; i < 5; ++i) {
        start_log();
        const uint64_t seq = append(1);
        EXPECT_GT(seq, last);
        last = seq;
        events_->commit();
        i % 2 == 0 ? kill_log() : stop_log();
    }
}

TEST_F(EventLogTest, TakesNoMoreOfTheTailThanTheRingHolds) {
    config_.ring_size = 16 << 10;
    start_log();
    commit(1, 1000);
    restart_log();
    const std::vector<Seen> all = shown();
    ASSERT_GE(all.size(), 2u);
    EXPECT_EQ(all.back().seq, 1001u);
    EXPECT_EQ(header().evicted_seq, all.front().seq - 1);
    for (size_t i = 1; i < all.size(); ++i)
        EXPECT_EQ(all[i].seq, all[i - 1].seq + 1);
}

TEST_F(EventLogTest, LeavesOutWhatNoLongerFits) {
    start_log();
    JournalEntry entry;
    const std::string large(1000, '1');
    entry.channel = "jobs:1";
    entry.data = large;
    events_->append(entry);
    append(2);
    stop_log();
    config_.max_message = 999;
    start_log();
    EXPECT_EQ(outline(shown()), (Outline{{Kind::Event, 2, 0}, {Kind::Away, 3, 0}}));
    EXPECT_THAT(remembered_, SizeIs(2));
}

TEST_F(EventLogTest, ShowsNothingOfAnotherLog) {
    start_log();
    commit(1, 3);
    stop_log();
    unlink(continuity_path().c_str());
    start_log();
    const uint64_t last = journal_->last_seq();
    EXPECT_EQ(outline(shown()), (Outline{{Kind::Away, last + 1, 0}}));
    commit(last + 2, last + 2);
    restart_log();
    EXPECT_EQ(outline(shown()), (Outline{{Kind::Away, last + 1, 0},
                                         {Kind::Event, last + 2, 0},
                                         {Kind::Away, last + 3, 0}}));
}

TEST_F(EventLogTest, AnnouncesWhatTheJournalHasLost) {
    start_log();
    commit(1, 3);
    kill_log();
    reboot();
    start_log();
    const uint64_t last = journal_->last_seq();
    ASSERT_GT(last, 3u);
    EXPECT_EQ(outline(shown()), (Outline{{Kind::Event, 1, 0},
                                         {Kind::Event, 2, 0},
                                         {Kind::Event, 3, 0},
                                         {Kind::Gap, last + 1, 3},
                                         {Kind::Away, last + 2, 0}}));
    EXPECT_EQ(journaled(), shown());

    // Told once.
    restart_log();
    const std::vector<Seen> all = shown();
    EXPECT_EQ(std::count_if(all.begin(), all.end(),
                            [](const Seen& seen) { return seen.kind == Kind::Gap; }),
              1);
}

TEST_F(EventLogTest, CountsTornLines) {
    start_log();
    commit(1, 2);
    kill_log();
    const std::string file = read_file(segment_paths().at(0));
    put_file(segment_paths().at(0), file.substr(0, file.size() - 3));
    start_log();
    EXPECT_EQ(count(ring::kTornLines), 1u);
}

// -- Redis

TEST_F(EventLogTest, SaysNothingAboutAFirstConnection) {
    start_log();
    EXPECT_FALSE(events_->is_redis_there());
    EXPECT_FALSE(events_->redis_connected());
    EXPECT_TRUE(events_->is_redis_there());
    EXPECT_EQ(header().redis, ring::RedisState::Connected);
    EXPECT_THAT(shown(), IsEmpty());
}

TEST_F(EventLogTest, AnnouncesALossAndWhatMayBeMissing) {
    start_log();
    events_->redis_connected();
    commit(1, 1);
    events_->redis_lost();
    EXPECT_EQ(header().redis, ring::RedisState::Lost);
    EXPECT_EQ(rings(), 2u);
    EXPECT_TRUE(events_->redis_connected());
    EXPECT_EQ(rings(), 1u);
    EXPECT_EQ(outline(shown()),
              (Outline{{Kind::Event, 1, 0}, {Kind::RedisLost, 2, 0}, {Kind::RedisBack, 3, 2}}));
    EXPECT_EQ(journaled(), shown());
}

TEST_F(EventLogTest, CountsAnOutageFromItsBeginOverEveryStart) {
    start_log();
    events_->redis_connected();
    commit(1, 1);
    restart_log();  // Away 2
    restart_log();  // Away 3
    EXPECT_FALSE(events_->redis_connected());
    EXPECT_EQ(
        outline(shown()),
        (Outline{
            {Kind::Event, 1, 0}, {Kind::Away, 2, 0}, {Kind::Away, 3, 0}, {Kind::RedisBack, 4, 2}}));
    restart_log();  // Away 5
    events_->redis_connected();
    EXPECT_EQ(outline({shown().back()}), (Outline{{Kind::RedisBack, 6, 5}}));
}

TEST_F(EventLogTest, CountsAnOutageFromTheLossThatCameBeforeTheEnd) {
    start_log();
    events_->redis_connected();
    events_->redis_lost();  // 1
    kill_log();
    start_log();            // Away 2
    events_->redis_lost();  // 3: the first attempt has failed
    events_->redis_connected();
    EXPECT_EQ(outline(shown()), (Outline{{Kind::RedisLost, 1, 0},
                                         {Kind::Away, 2, 0},
                                         {Kind::RedisLost, 3, 0},
                                         {Kind::RedisBack, 4, 1}}));
}

}  // namespace
}  // namespace herald::sidecar
