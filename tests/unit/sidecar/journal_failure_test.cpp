// The journal when the disk says no: nothing that failed counts, nothing that was good is harmed,
// and what is given again is there once.
#include <sys/resource.h>

#include <atomic>
#include <csignal>

#include "journal_fixture.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

class JournalFailure : public JournalFixture {
  protected:
    bool is_ahead() const { return Continuity(continuity_path()).promise().ahead; }
};

TEST_F(JournalFailure, CutsBackWhatAFullDiskTookOfABatch) {
    start();
    ASSERT_TRUE(write(1, 2));
    g_faults.write = ENOSPC;
    g_faults.write_room = line(3).size() + 10;
    EXPECT_FALSE(write(3, 5));
    EXPECT_EQ(read_file(segment_paths().at(0)), line(1) + line(2));
    EXPECT_TRUE(journal_->is_failing());
    EXPECT_TRUE(is_ahead());
    EXPECT_EQ(journal_->written_seq(), 2u);
    EXPECT_EQ(journal_->errors(), 1u);
    EXPECT_THAT(read_all(), ElementsAre(1, 2));

    EXPECT_FALSE(write(3, 6));
    g_faults.write = 0;
    EXPECT_TRUE(write(3, 7));
    EXPECT_FALSE(journal_->is_failing());
    EXPECT_FALSE(is_ahead());
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 7)));
    EXPECT_EQ(bad_lines_, 0u);
    EXPECT_EQ(segment_paths().size(), 1u);
}

TEST_F(JournalFailure, GoesOnAfterAShortWrite) {
    start();
    g_faults.write = EINTR;
    g_faults.write_room = 20;
    g_at_step = nullptr;
    static int calls;
    calls = 0;
    g_disk.write = [](int fd, const void* bytes, size_t size) -> ssize_t {
        if (++calls % 2 == 0) {
            errno = EINTR;
            return -1;
        }
        return ::write(fd, bytes, std::min<size_t>(size, 7));
    };
    ASSERT_TRUE(write(1, 3));
    EXPECT_EQ(read_file(segment_paths().at(0)), line(1) + line(2) + line(3));
}

TEST_F(JournalFailure, StaysAheadUntilEverythingGivenIsWritten) {
    start();
    g_faults.write = ENOSPC;
    EXPECT_FALSE(write(1, 5));
    g_faults.write = 0;
    std::string lines = line(1) + line(2);
    ASSERT_TRUE(journal_->write(lines, 1, 2));
    EXPECT_FALSE(journal_->is_failing());
    EXPECT_TRUE(is_ahead());
    lines = line(3) + line(4) + line(5);
    ASSERT_TRUE(journal_->write(lines, 3, 5));
    EXPECT_FALSE(is_ahead());
}

TEST_F(JournalFailure, TriesAgainToSayThatItIsAheadUntilContinuityCanBeWritten) {
    start();
    const std::string before = read_file(continuity_path());
    g_faults.write = g_faults.sync = EIO;
    EXPECT_FALSE(write(1, 5));
    g_faults.write = 0;
    ASSERT_TRUE(journal_->write(line(1) + line(2), 1, 2));
    put_file(continuity_path(), before);  // nothing of it has reached the disk
    g_faults.sync = 0;
    journal_->reserve(5);
    EXPECT_TRUE(is_ahead());
    kill();
    start();
    EXPECT_EQ(journal_->found_seq(), 2u);
    EXPECT_GE(journal_->last_seq(), 5u);
}

TEST_F(JournalFailure, SaysOnceThatIdsMayBeGivenAgainWhereItCannotSayThatItIsAhead) {
    start();
    log::start();
    g_faults.write = g_faults.sync = EIO;
    testing::internal::CaptureStdout();
    for (uint64_t seq = 1; seq < 4; ++seq)
        EXPECT_FALSE(write(1, seq));
    log::flush();
    const std::string text = testing::internal::GetCapturedStdout();
    const std::string told = "ERROR journal: ids may be given again if the sidecar dies now";
    EXPECT_NE(text.find(told), text.npos) << text;
    EXPECT_EQ(text.find(told), text.rfind(told)) << text;
}

TEST_F(JournalFailure, GivesUpASegmentThatCannotBeCutBack) {
    start(Fsync::Always);
    ASSERT_TRUE(write(1, 2));
    g_faults.write = EIO;
    g_faults.write_room = line(3).size() + 10;
    g_faults.cut = EIO;
    EXPECT_FALSE(write(3, 5));
    EXPECT_THAT(read_all(), ElementsAre(1, 2));
    g_faults.write = g_faults.cut = 0;
    ASSERT_TRUE(write(3, 6));
    EXPECT_EQ(segment_paths().size(), 2u);
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 6)));
    EXPECT_EQ(bad_lines_, 1u);
    kill();
    start(Fsync::Always);
    EXPECT_EQ(journal_->last_seq(), 6u);
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 6)));
}

TEST_F(JournalFailure, GoesOnInTheSameFileWhereItsNameWouldBeTheSame) {
    start(Fsync::Always);
    g_faults.write = EIO;
    g_faults.write_room = line(1).size() + 10;
    g_faults.cut = EIO;
    EXPECT_FALSE(write(1, 3));
    g_faults.write = g_faults.cut = 0;
    ASSERT_TRUE(write(1, 4));
    EXPECT_EQ(segment_paths().size(), 1u);
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 4)));
    EXPECT_EQ(bad_lines_, 1u);
    kill();
    start(Fsync::Always);
    EXPECT_EQ(journal_->last_seq(), 4u);
}

TEST_F(JournalFailure, GivesBackLinesWhoseSegmentCannotBeCutBeforeTheyWereSynced) {
    start(Fsync::EverySec);
    ASSERT_TRUE(write(1, 2));
    g_faults.write = g_faults.cut = EIO;
    EXPECT_FALSE(write(3, 3));
    EXPECT_EQ(journal_->written_seq(), 0u);
    g_faults.write = g_faults.cut = 0;
    ASSERT_TRUE(write(1, 3));
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3));
}

TEST_F(JournalFailure, DoesNotCountABatchWhoseSyncFailed) {
    start(Fsync::Always);
    ASSERT_TRUE(write(1, 2));
    g_faults.sync = EIO;
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(write(3, 4));
        EXPECT_EQ(journal_->written_seq(), 2u);
        EXPECT_TRUE(journal_->is_failing());
        EXPECT_THAT(read_all(), ElementsAre(1, 2));
    }
    g_faults.sync = 0;
    ASSERT_TRUE(write(3, 5));
    EXPECT_FALSE(journal_->is_failing());
    EXPECT_THAT(segment_paths(), testing::SizeIs(2));
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(JournalFailure, GoesBackToTheLastSyncWhereOneInTheBackgroundFails) {
    start(Fsync::EverySec);
    bool failed = false;
    journal_->on_failure([&failed] { failed = true; });
    static int synced;
    synced = 0;
    g_at_step = [](const char* name) { synced += std::string_view(name) == "journal.synced"; };
    ASSERT_TRUE(write(1, 2));
    journal_->sync_in_background();
    run_until([] { return synced == 1; });

    ASSERT_TRUE(write(3, 5));
    JournalReader reader(journal_->segments(), 0);
    EXPECT_THAT(read_rest(reader), ElementsAreArray(seqs(1, 5)));
    g_faults.sync = EIO;
    journal_->sync_in_background();
    run_until([&failed] { return failed; });
    EXPECT_EQ(journal_->written_seq(), 2u);
    EXPECT_TRUE(journal_->is_failing());

    // What is given again counts only when it is on disk, and does not pile up meanwhile.
    EXPECT_FALSE(write(3, 6));
    EXPECT_FALSE(write(3, 6));
    g_faults.sync = 0;
    ASSERT_TRUE(write(3, 7));
    EXPECT_FALSE(journal_->is_failing());
    ASSERT_EQ(segment_paths().size(), 2u);
    std::string again;
    for (uint64_t seq = 3; seq <= 7; ++seq)
        again += line(seq);
    EXPECT_EQ(read_file(segment_paths()[1]), again);
    EXPECT_THAT(read_rest(reader), ElementsAre(6, 7));
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 7)));

    // From here on as before.
    const int before = g_faults.syncs;
    ASSERT_TRUE(write(8, 8));
    EXPECT_EQ(g_faults.syncs, before);
}

TEST_F(JournalFailure, BeginsNoSegmentBehindOneThatCouldNotBeSynced) {
    JournalConfig config;
    config.segment = 2000;
    start(config);
    static int synced;
    synced = 0;
    g_at_step = [](const char* name) { synced += std::string_view(name) == "journal.synced"; };
    ASSERT_TRUE(write(1, 2));
    journal_->sync_in_background();
    run_until([] { return synced == 1; });

    g_faults.sync = EIO;
    ASSERT_TRUE(write(3, 40));
    EXPECT_FALSE(write(41, 42));
    EXPECT_EQ(journal_->written_seq(), 2u);
    EXPECT_EQ(segment_paths().size(), 1u);
    g_faults.sync = 0;
    ASSERT_TRUE(write(3, 42));
    EXPECT_THAT(segment_paths()[1], testing::EndsWith("-00000000000000000003.jsonl"));
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 42)));
}

TEST_F(JournalFailure, ReportsASyncThatItHadToWaitForAsTheWritesOwnFailure) {
    JournalConfig config;
    config.segment = 2000;
    start(config);
    bool told = false;
    journal_->on_failure([&told] { told = true; });
    ASSERT_TRUE(write(1, 2));

    struct rlimit old {};
    getrlimit(RLIMIT_NOFILE, &old);
    struct rlimit none = old;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);  // nothing to sync with beside the loop
    g_faults.sync = EIO;
    EXPECT_FALSE(write(3, 40));
    EXPECT_FALSE(told);
    EXPECT_TRUE(journal_->is_failing());
    EXPECT_EQ(journal_->written_seq(), 0u);

    setrlimit(RLIMIT_NOFILE, &old);
    g_faults.sync = 0;
    ASSERT_TRUE(write(1, 41));
    EXPECT_FALSE(journal_->is_failing());
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, 41)));
}

TEST_F(JournalFailure, IsAheadAfterAnEndWhoseSyncFailed) {
    start(Fsync::EverySec);
    ASSERT_TRUE(write(1, 3));
    g_faults.sync = EIO;
    stop();
    EXPECT_FALSE(Continuity(continuity_path()).promise().clean);
    EXPECT_TRUE(is_ahead());
}

TEST_F(JournalFailure, IsAheadAfterAnEndDuringASyncThatFails) {
    start(Fsync::EverySec);
    ASSERT_TRUE(write(1, 3));
    static std::atomic<int> syncs;
    syncs = 0;
    // As Linux does: an error is told once to each open file.
    g_disk.fdatasync = [](int) {
        const bool first = syncs++ == 0;
        syncs.notify_all();
        errno = EIO;
        return first ? -1 : 0;
    };
    journal_->sync_in_background();
    syncs.wait(0);
    stop();
    EXPECT_FALSE(Continuity(continuity_path()).promise().clean);
    EXPECT_TRUE(is_ahead());
    EXPECT_EQ(syncs, 2);  // the other one is continuity's
}

TEST_F(JournalFailure, SurvivesAFileSizeLimit) {
    g_disk = {};
    start();
    const rlim_t room = line(1).size() * 20;
    struct rlimit old {};
    getrlimit(RLIMIT_FSIZE, &old);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = old;
    limit.rlim_cur = room;
    setrlimit(RLIMIT_FSIZE, &limit);

    uint64_t seq = 0;
    while (write(seq + 1, seq + 3))
        seq += 3;
    const std::string content = read_file(segment_paths().at(0));
    EXPECT_FALSE(write(seq + 1, seq + 3));
    EXPECT_EQ(read_file(segment_paths().at(0)), content);
    EXPECT_EQ(content.back(), '\n');
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, seq)));
    EXPECT_TRUE(is_ahead());

    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
    EXPECT_TRUE(write(seq + 1, seq + 6));
    EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, seq + 6)));
}

}  // namespace
}  // namespace herald::sidecar
