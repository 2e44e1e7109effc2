// What a start makes of what it finds: torn ends, damage, and the evidence for a log to go on.
#include "journal_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

class JournalRecovery : public JournalFixture {
  protected:
    // A journal of lines 1 to `last` in one segment, and its content.
    std::string write_journal(uint64_t last) {
        start();
        EXPECT_TRUE(write(1, last));
        log_ = journal_->log();
        kill();
        return read_file(segment_paths().at(0));
    }
    void expect_same_log() {
        EXPECT_EQ(journal_->log(), log_);
        EXPECT_THAT(journal_->past_logs(), IsEmpty());
    }
    void expect_new_log() {
        EXPECT_NE(journal_->log(), log_);
        EXPECT_THAT(journal_->past_logs(), ElementsAre(log_));
        EXPECT_EQ(journal_->found_seq(), journal_->last_seq());
    }
    std::string torn() const { return torn_path(segment_paths().at(0)); }

    uint32_t log_ = 0;
};

// -- torn ends

TEST_F(JournalRecovery, SetsAsideExactlyWhatACutHasTorn) {
    const std::string whole = write_journal(5);
    const std::string promise = read_file(continuity_path());
    const std::string path = segment_paths().at(0);
    size_t begin = whole.size();
    for (int i = 0; i < 3; ++i)
        begin = whole.rfind('\n', begin - 2) + 1;

    for (size_t cut = begin; cut <= whole.size(); ++cut) {
        put_file(path, whole.substr(0, cut));
        put_file(continuity_path(), promise);
        unlink(torn().c_str());

        start();
        const size_t good = whole.rfind('\n', cut - 1) + 1;
        const auto lines = static_cast<uint64_t>(
            std::count(whole.begin(), whole.begin() + static_cast<long>(good), '\n'));
        EXPECT_EQ(read_file(path), whole.substr(0, good)) << cut;
        if (good < cut)
            EXPECT_EQ(read_file(torn()), whole.substr(good, cut - good)) << cut;
        else
            EXPECT_NE(access(torn().c_str(), F_OK), 0) << cut;
        EXPECT_EQ(journal_->torn_lines(), good < cut ? 1u : 0u);
        EXPECT_EQ(journal_->last_seq(), lines);
        EXPECT_EQ(journal_->found_seq(), lines);
        expect_same_log();
        ASSERT_TRUE(write(lines + 1, lines + 2));
        EXPECT_THAT(read_all(), ElementsAreArray(seqs(1, lines + 2)));
        EXPECT_EQ(bad_lines_, 0u);
        kill();
    }
}

TEST_F(JournalRecovery, SetsAsideZerosAfterAPowerFailure) {
    const std::string whole = write_journal(3);
    put_file(segment_paths().at(0), whole + std::string(300000, '\0'));
    start();
    EXPECT_EQ(read_file(segment_paths().at(0)), whole);
    EXPECT_EQ(read_file(torn()), std::string(300000, '\0'));
    EXPECT_EQ(journal_->torn_lines(), 1u);
    EXPECT_EQ(journal_->last_seq(), 3u);
}

TEST_F(JournalRecovery, AppendsToWhatWasTornBefore) {
    const std::string whole = write_journal(3);
    for (int i = 0; i < 2; ++i) {
        put_file(segment_paths().at(0), whole + "{\"id\":");
        start();
        kill();
    }
    EXPECT_EQ(read_file(torn()), "{\"id\":{\"id\":");
}

TEST_F(JournalRecovery, SetsAsideEveryBadLineAtTheEnd) {
    const std::string whole = write_journal(3);
    put_file(segment_paths().at(0), whole + "one\n\ntwo");
    start();
    EXPECT_EQ(read_file(torn()), "one\n\ntwo");
    EXPECT_EQ(journal_->torn_lines(), 3u);
}

TEST_F(JournalRecovery, NeverTouchesGoodLinesBehindABadOne) {
    std::string whole = write_journal(4);
    whole[whole.find("progress")] = '\n';
    put_file(segment_paths().at(0), whole);
    start();
    EXPECT_EQ(read_file(segment_paths().at(0)), whole);
    EXPECT_EQ(journal_->last_seq(), 4u);
    EXPECT_THAT(read_all(), ElementsAre(2, 3, 4));
    EXPECT_EQ(bad_lines_, 2u);
}

TEST_F(JournalRecovery, FindsALastLineThatIsLongerThanAWindow) {
    start();
    const std::string data = "\"" + std::string(1 << 20, 'x') + "\"";
    std::string lines = line(1);
    append_line(lines, {ring::Kind::Event, false, {journal_->log(), 2}, 0, 5, "c", "", data});
    ASSERT_TRUE(journal_->write(lines, 1, 2));
    kill();
    start();
    EXPECT_EQ(journal_->last_seq(), 2u);
    EXPECT_EQ(journal_->torn_lines(), 0u);
}

TEST_F(JournalRecovery, LooksForTheLastLineInTheSegmentBefore) {
    JournalConfig config;
    config.segment = 1;
    start(config);
    ASSERT_TRUE(write(1, 2));
    ASSERT_TRUE(write(3, 3));
    kill();
    const auto paths = segment_paths();
    ASSERT_EQ(paths.size(), 2u);
    put_file(paths[1], "garbage");
    start(config);
    EXPECT_EQ(read_file(torn_path(paths[1])), "garbage");
    EXPECT_EQ(journal_->last_seq(), 2u);
    ASSERT_TRUE(write(3, 4));
    EXPECT_EQ(segment_paths(), paths);
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3, 4));
}

TEST_F(JournalRecovery, GoesOnBehindATornEndThatCannotBeSetAside) {
    const std::string whole = write_journal(3);
    put_file(segment_paths().at(0), whole + "torn");
    g_faults.write = ENOSPC;
    start();
    g_faults.write = 0;
    EXPECT_EQ(read_file(segment_paths().at(0)), whole + "torn");
    EXPECT_NE(access(torn().c_str(), F_OK), 0);
    EXPECT_EQ(journal_->last_seq(), 3u);
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3));
    ASSERT_TRUE(write(4, 5));
    EXPECT_EQ(segment_paths().size(), 2u);
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_EQ(bad_lines_, 1u);
    kill();
    start();
    EXPECT_EQ(journal_->last_seq(), 5u);
    expect_same_log();
}

TEST_F(JournalRecovery, GoesOnInASpoiledSegmentOfTheSameName) {
    write_journal(1);
    put_file(segment_paths().at(0), "torn");
    g_faults.write = ENOSPC;
    start();
    g_faults.write = 0;
    EXPECT_EQ(journal_->last_seq(), 0u);
    ASSERT_TRUE(write(1, 2));
    EXPECT_EQ(read_file(segment_paths().at(0)), "torn\n" + line(1) + line(2));
    EXPECT_THAT(read_all(), ElementsAre(1, 2));
}

// -- continuity

TEST_F(JournalRecovery, GoesOnBehindTheLastLineAfterAKill) {
    write_journal(3);
    start();
    expect_same_log();
    EXPECT_EQ(journal_->last_seq(), 3u);
    EXPECT_EQ(journal_->found_seq(), 3u);
}

TEST_F(JournalRecovery, GoesOnBehindTheLimitAfterAPowerFailure) {
    for (Fsync fsync : {Fsync::EverySec, Fsync::Never}) {
        start(fsync);
        ASSERT_TRUE(write(journal_->last_seq() + 1, journal_->last_seq() + 3));
        const uint64_t written = journal_->written_seq();
        const uint32_t log = journal_->log();
        kill();
        const uint64_t limit = Continuity(continuity_path()).promise().limit;
        reboot();
        start(fsync);
        EXPECT_EQ(journal_->log(), log);
        EXPECT_EQ(journal_->found_seq(), written);
        EXPECT_EQ(journal_->last_seq(), limit);
        EXPECT_GT(limit, written);
        kill();
    }
}

TEST_F(JournalRecovery, LosesNothingToAPowerFailureWhereEveryBatchWasSynced) {
    start(Fsync::Always);
    ASSERT_TRUE(write(1, 3));
    kill();
    reboot();
    start(Fsync::Always);
    EXPECT_EQ(journal_->last_seq(), 3u);
}

TEST_F(JournalRecovery, LosesNothingToARebootAfterAnEndInOrder) {
    start(Fsync::EverySec);
    ASSERT_TRUE(write(1, 3));
    stop();
    reboot();
    start(Fsync::EverySec);
    EXPECT_EQ(journal_->last_seq(), 3u);
    EXPECT_EQ(journal_->found_seq(), 3u);
}

TEST_F(JournalRecovery, TrustsNoEndInOrderWhereNothingIsSynced) {
    start(Fsync::Never);
    ASSERT_TRUE(write(1, 3));
    stop();
    reboot();
    start(Fsync::Never);
    EXPECT_EQ(journal_->found_seq(), 3u);
    EXPECT_GT(journal_->last_seq(), 3u);
}

TEST_F(JournalRecovery, NeverGivesASeqAgainThatTheJournalMissed) {
    start();
    ASSERT_TRUE(write(1, 3));
    g_faults.write = ENOSPC;
    EXPECT_FALSE(write(4, 9));
    const uint32_t log = journal_->log();
    kill();
    g_faults.write = 0;
    start();
    EXPECT_EQ(journal_->log(), log);
    EXPECT_EQ(journal_->found_seq(), 3u);
    const uint64_t last = journal_->last_seq();
    EXPECT_GE(last, 9u);

    // Also not after a second start that has come to nothing.
    kill();
    start();
    EXPECT_EQ(journal_->found_seq(), 3u);
    EXPECT_GE(journal_->last_seq(), last);
    stop();
    start();
    EXPECT_EQ(journal_->found_seq(), 3u);
    EXPECT_GE(journal_->last_seq(), last);

    // The Gap that says so ends it.
    const uint64_t seq = journal_->last_seq() + 1;
    std::string gap;
    append_line(gap, {ring::Kind::Gap, false, {log, seq}, 3, 5, "", "", ""});
    ASSERT_TRUE(journal_->write(gap, seq, seq));
    journal_->reserve(seq);
    kill();
    start();
    EXPECT_EQ(journal_->found_seq(), seq);
    EXPECT_EQ(journal_->last_seq(), seq);
}

TEST_F(JournalRecovery, NeverGivesASeqAgainThatWasGivenFarAhead) {
    start();
    ASSERT_TRUE(write(1, 1));
    g_faults.write = EIO;
    for (uint64_t seq = 2; seq < 5000000; seq += 400000) {
        EXPECT_FALSE(journal_->write(line(seq), seq, seq));
        journal_->reserve(seq);
        EXPECT_GE(Continuity(continuity_path()).promise().limit, seq);
    }
    kill();
    g_faults.write = 0;
    start();
    EXPECT_GE(journal_->last_seq(), 4800002u);
}

TEST_F(JournalRecovery, BeginsAnotherSegmentBehindOneWhoseSyncFailed) {
    start();
    ASSERT_TRUE(write(1, 3));
    g_faults.sync = EIO;
    stop();
    g_faults.sync = 0;
    const auto given_up = segment_paths();
    const std::string content = read_file(given_up.at(0));
    start();
    EXPECT_EQ(journal_->found_seq(), 3u);
    const uint64_t seq = journal_->last_seq() + 1;
    ASSERT_TRUE(write(seq, seq));
    EXPECT_EQ(read_file(given_up[0]), content);
    EXPECT_EQ(segment_paths().size(), 2u);
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3, seq));
}

TEST_F(JournalRecovery, GivesNoSeqOfARemovedSegmentAgainAfterAnEndInOrder) {
    JournalConfig config;
    config.segment = 1;
    start(config);
    const uint32_t log = journal_->log();
    ASSERT_TRUE(write(1, 2));
    ASSERT_TRUE(write(3, 3));
    stop();
    unlink(segment_paths().at(1).c_str());
    start(config);
    EXPECT_EQ(journal_->log(), log);
    EXPECT_EQ(journal_->found_seq(), 2u);
    EXPECT_EQ(journal_->last_seq(), 3u);
}

TEST_F(JournalRecovery, GivesNoSeqOfARemovedSegmentAgainWhereTheLimitIsOutOfReach) {
    write_journal(3);
    {
        Continuity continuity(continuity_path());
        Promise promise = continuity.promise();
        promise.limit = 3 + kReserved;
        continuity.keep(promise);
        start();
        EXPECT_EQ(journal_->last_seq(), 3u);
        kill();
    }
    Continuity continuity(continuity_path());
    Promise promise = continuity.promise();
    promise.limit = 4 + kReserved;
    continuity.keep(promise);
    start();
    expect_same_log();
    EXPECT_EQ(journal_->found_seq(), 3u);
    EXPECT_EQ(journal_->last_seq(), 4 + kReserved);
}

TEST_F(JournalRecovery, BeginsANewLogWhereContinuityIsMissing) {
    write_journal(3);
    unlink(continuity_path().c_str());
    start();
    expect_new_log();
    EXPECT_EQ(journal_->last_seq(), 3u);
    ASSERT_TRUE(write(4, 5));
    EXPECT_EQ(segment_paths().size(), 2u);
    EXPECT_THAT(read_all(), ElementsAre(1, 2, 3, 4, 5));
    const uint32_t log = journal_->log();
    kill();
    start();
    EXPECT_EQ(journal_->log(), log);
    EXPECT_EQ(journal_->last_seq(), 5u);
}

TEST_F(JournalRecovery, BeginsANewLogWhereContinuityIsDamaged) {
    write_journal(3);
    put_file(continuity_path(), std::string(8192, 'x'));
    start();
    expect_new_log();
    EXPECT_EQ(journal_->last_seq(), 3u);
}

TEST_F(JournalRecovery, BeginsANewLogWhereContinuityIsOfAnother) {
    write_journal(3);
    {
        Continuity continuity(continuity_path());
        Promise promise = continuity.promise();
        promise.log ^= 1;
        promise.limit = 77;
        continuity.keep(promise);
    }
    start();
    expect_new_log();
    EXPECT_EQ(journal_->last_seq(), 77u);
}

TEST_F(JournalRecovery, BeginsANewLogWhereTheSegmentsAreGone) {
    write_journal(3);
    const uint64_t limit = Continuity(continuity_path()).promise().limit;
    unlink(segment_paths().at(0).c_str());
    start();
    expect_new_log();
    EXPECT_EQ(journal_->last_seq(), limit);
}

TEST_F(JournalRecovery, KeepsANewLogThoughNothingWasWrittenToIt) {
    write_journal(3);
    unlink(continuity_path().c_str());
    start();
    const uint32_t log = journal_->log();
    kill();
    start();
    EXPECT_EQ(journal_->log(), log);
    EXPECT_EQ(journal_->last_seq(), 3u);
    EXPECT_EQ(journal_->found_seq(), 3u);
}

TEST_F(JournalRecovery, RemembersALogThatTheDirectoryHasForgotten) {
    write_journal(3);
    unlink((directory_ / "s/logs").c_str());
    start();
    expect_same_log();
    EXPECT_THAT(state_->logs(), ElementsAre(log_));
}

}  // namespace
}  // namespace herald::sidecar
