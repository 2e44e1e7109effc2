// The journal in fair weather: writing, rotating, syncing, reading beside it.
#include "sidecar/journal.hpp"

#include "journal_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::EndsWith;
using testing::IsEmpty;

std::vector<std::string> g_steps;

class JournalTest : public JournalFixture {
  protected:
    JournalTest() { g_steps.clear(); }
    static void record_steps() {
        g_at_step = [](const char* name) { g_steps.push_back(name); };
    }
};

TEST_F(JournalTest, BeginsWithNothing) {
    start();
    EXPECT_EQ(journal_->last_seq(), 0u);
    EXPECT_EQ(journal_->found_seq(), 0u);
    EXPECT_EQ(journal_->written_seq(), 0u);
    EXPECT_THAT(journal_->past_logs(), IsEmpty());
    EXPECT_THAT(read_all(), IsEmpty());
    EXPECT_THAT(state_->logs(), ElementsAre(journal_->log()));
}

TEST_F(JournalTest, KeepsItsFilesToOwnerAndGroup) {
    start();
    ASSERT_TRUE(write(1, 1));
    struct stat status {};
    ASSERT_EQ(stat(journal_path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0750u);
    ASSERT_EQ(segment_paths().size(), 1u);
    ASSERT_EQ(stat(segment_paths()[0].c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777 & ~0640u, 0u);
}

TEST_F(JournalTest, WritesLinesAsTheyAreGiven) {
    start();
    ASSERT_TRUE(write(1, 3));
    ASSERT_TRUE(write(4, 4));
    EXPECT_EQ(read_file(segment_paths().at(0)), line(1) + line(2) + line(3) + line(4));
    EXPECT_EQ(journal_->written_seq(), 4u);
    EXPECT_EQ(journal_->segments().last_seq(), 4u);
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3, 4));
}

TEST_F(JournalTest, GoesOnAfterAnEndInOrder) {
    start();
    const uint32_t log = journal_->log();
    ASSERT_TRUE(write(1, 3));
    stop();
    start();
    EXPECT_EQ(journal_->log(), log);
    EXPECT_EQ(journal_->last_seq(), 3u);
    EXPECT_EQ(journal_->found_seq(), 3u);
    ASSERT_TRUE(write(4, 5));
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_EQ(segment_paths().size(), 1u);
}

TEST_F(JournalTest, GoesOnWithTheSameLogThoughNothingWasWritten) {
    start();
    const uint32_t log = journal_->log();
    for (int i = 0; i < 3; ++i) {
        stop();
        start();
        EXPECT_EQ(journal_->log(), log);
        EXPECT_EQ(journal_->last_seq(), 0u);
    }
    EXPECT_EQ(segment_paths().size(), 1u);
}

TEST_F(JournalTest, BeginsANewSegmentBeforeABatchWhenTheOldOneIsFull) {
    JournalConfig config;
    start();
    config.segment = 3 * line(1).size();
    stop();
    start(config);
    ASSERT_TRUE(write(1, 2));
    ASSERT_TRUE(write(3, 4));
    EXPECT_EQ(segment_paths().size(), 1u);
    ASSERT_TRUE(write(5, 5));
    ASSERT_EQ(segment_paths().size(), 2u);
    EXPECT_THAT(segment_paths()[0], EndsWith("-00000000000000000001.jsonl"));
    EXPECT_THAT(segment_paths()[1], EndsWith("-00000000000000000005.jsonl"));
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 5)));
    EXPECT_THAT(read_all(3), ElementsAre(4, 5));
    stop();
    start(config);
    EXPECT_EQ(journal_->last_seq(), 5u);
}

TEST_F(JournalTest, SyncsBeforeItReturnsWhereItIsToldTo) {
    start(Fsync::Always);
    record_steps();
    const int before = g_faults.syncs;
    ASSERT_TRUE(write(1, 2));
    EXPECT_EQ(g_faults.syncs, before + 1);
    EXPECT_THAT(g_steps, ElementsAre("journal.before_write", "journal.half_written",
                                     "journal.written", "journal.synced"));
}

TEST_F(JournalTest, SyncsBesideTheLoop) {
    start(Fsync::EverySec);
    record_steps();
    journal_->sync_in_background();  // nothing to do
    ASSERT_TRUE(write(1, 2));
    EXPECT_THAT(g_steps, testing::Not(testing::Contains("journal.synced")));
    journal_->sync_in_background();
    run_until([] { return g_steps.back() == "journal.synced"; });
    EXPECT_THAT(g_steps, ElementsAre("journal.before_write", "journal.half_written",
                                     "journal.written", "journal.synced"));
}

TEST_F(JournalTest, NeverSyncsLinesWhereItIsNotTo) {
    JournalConfig config;
    config.fsync = Fsync::Never;
    config.segment = 1;
    start(config);
    const int before = g_faults.syncs;
    ASSERT_TRUE(write(1, 2));
    ASSERT_TRUE(write(3, 4));
    journal_->sync_in_background();
    journal_.reset();
    EXPECT_EQ(g_faults.syncs, before);
}

TEST_F(JournalTest, HasEverySegmentButTheNewestOnDisk) {
    JournalConfig config;
    config.segment = 1;
    start(config);
    record_steps();
    ASSERT_TRUE(write(1, 1));
    ASSERT_TRUE(write(2, 2));
    EXPECT_THAT(g_steps,
                ElementsAre("journal.before_write", "journal.half_written", "journal.written",
                            "journal.synced", "journal.rotated", "journal.before_write",
                            "journal.half_written", "journal.written"));
}

TEST_F(JournalTest, ShowsAHalfWrittenBatchAsATornLine) {
    start();
    ASSERT_TRUE(write(1, 1));
    static std::string seen;
    static std::string path;
    path = segment_paths().at(0);
    g_at_step = [](const char* name) {
        if (std::string_view(name) == "journal.half_written")
            seen = read_file(path);
    };
    ASSERT_TRUE(write(2, 3));
    EXPECT_NE(seen.back(), '\n');
    EXPECT_GT(seen.size(), line(1).size());
}

TEST_F(JournalTest, IsReadWhileItIsWritten) {
    JournalConfig config;
    config.segment = 2000;
    start(config);
    JournalReader reader(journal_->segments(), 0);
    EXPECT_THAT(read_rest(reader), IsEmpty());
    for (uint64_t seq = 1; seq < 200; seq += 7) {
        ASSERT_TRUE(write(seq, seq + 6));
        EXPECT_THAT(read_rest(reader), ElementsAreArray(seqs(seq, seq + 6)));
    }
    EXPECT_GT(segment_paths().size(), 3u);
}

TEST_F(JournalTest, IsReadByAnotherThreadToTheLastEntry) {
    JournalConfig config;
    config.segment = 100000;
    start(config);
    constexpr uint64_t kLast = 20000;
    uint64_t read = 0;
    std::thread thread([&] {
        JournalReader reader(journal_->segments(), 0);
        JournalEntry entry;
        while (read < kLast) {
            if (reader.next(entry) == JournalReader::Read::End)
                journal_->segments().wait(60000);
            else if (entry.id.seq != ++read)
                break;
        }
    });
    for (uint64_t seq = 1; seq < kLast; seq += 100) {
        ASSERT_TRUE(write(seq, seq + 99));
        journal_->segments().wake();
    }
    thread.join();
    EXPECT_EQ(read, kLast);
}

TEST_F(JournalTest, LeavesAloneWhatIsNotItsOwn) {
    start();
    ASSERT_TRUE(write(1, 2));
    stop();
    put_file(journal_path() + "/notes.txt", "mine");
    put_file(journal_path() + "/7f3a2c01-1.jsonl", "no name of ours");
    start();
    EXPECT_THAT(read_all(), ElementsAre(1, 2));
    EXPECT_EQ(read_file(journal_path() + "/notes.txt"), "mine");
    EXPECT_EQ(read_file(journal_path() + "/7f3a2c01-1.jsonl"), "no name of ours");
}

}  // namespace
}  // namespace herald::sidecar
