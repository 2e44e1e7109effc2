// The runs as the journal tells them, through restarts, losses and other journals.
#include "sidecar/ingest/run_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "../temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RunTableTest : public testing::Test {
  protected:
    RunTableTest() { start(); }

    void start(std::string channel = "runs") {
        table_.reset();
        table_ = std::make_unique<RunTable>(path_, std::move(channel), [this] { return end_; });
        at_ = table_->open();
    }
    void apply(uint64_t seq, std::string_view data, std::string_view channel = "runs",
               uint32_t log = 1) {
        JournalEntry entry;
        entry.id = {log, seq};
        entry.channel = channel;
        entry.data = data;
        table_->apply(entry);
        end_ = std::max(end_, seq);
    }
    void gap(uint64_t seq, uint64_t from_seq) {
        JournalEntry entry;
        entry.kind = ring::Kind::Gap;
        entry.id = {1, seq};
        entry.from_seq = from_seq;
        table_->apply(entry);
        end_ = std::max(end_, seq);
    }
    void created(uint64_t seq, const std::string& id) {
        apply(seq, R"({"event": "run.created", "run": {"id":")" + id + R"("}})");
    }
    void updated(uint64_t seq, const std::string& id, const std::string& what) {
        apply(seq,
              R"({"event": "run.updated", "run": {"id":")" + id + R"(","x":")" + what + R"("}})");
    }
    void removed(uint64_t seq, const std::string& id) {
        apply(seq, R"({"event": "run.removed", "run": {"id": ")" + id + R"("}})");
    }
    std::vector<std::string> texts() {
        std::vector<std::string> out;
        const auto runs = table_->runs();
        for (const RunPtr& run : runs->newest_first())
            out.push_back(run->text.empty() ? run->id + "?" : run->text);
        return out;
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "ingest.db";
    uint64_t end_ = 0;  // of the journal
    std::unique_ptr<RunTable> table_{};
    uint64_t at_ = 0;
};

TEST_F(RunTableTest, FollowsTheEvents) {
    created(1, "a");
    created(2, "b");
    updated(3, "a", "new");
    removed(4, "b");
    created(5, "c");
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a","x":"new"})", R"({"id":"c"})"));
    removed(6, "c");
    created(7, "c");
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a","x":"new"})", R"({"id":"c"})"));
}

TEST_F(RunTableTest, KnowsWhenARunBegan) {
    apply(1,
          R"({"run":{"started_at":"2026-11-21T09:00:00+00:00","id":"a"},"event":"run.created"})");
    const auto runs = table_->runs();
    ASSERT_NE(runs->find("a"), nullptr);
    EXPECT_EQ((*runs->find("a"))->started_us, 1'795'251'600'000'000);
}

TEST_F(RunTableTest, IsNotConcernedByWhatIsNoEventOfARun) {
    created(1, "a");
    apply(2, R"({"event": "run.removed", "run": {"id": "a"}})", "other");
    for (const char* data :
         {"7", "{}", R"({"event":"run.removed"})", R"({"event":"run.removed","run":"a"})",
          R"({"event":"run.lost","run":{"id":"a"}})", R"({"event":7,"run":{"id":"a"}})",
          R"({"event":"run.removed","run":{"id":7}})",
          R"({"event":"run.removed","run":{"id":"\ud800"}})"})
        apply(end_ + 1, data);
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a"})"));
}

TEST_F(RunTableTest, IsAsItWasCommittedAfterACrash) {
    created(1, "a");
    table_->commit();
    created(2, "b");
    start();
    EXPECT_EQ(at_, 1u);
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a"})"));
    created(2, "b");
    table_->commit();
    start();
    EXPECT_EQ(at_, 2u);
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a"})", R"({"id":"b"})"));
}

TEST_F(RunTableTest, KeepsItsPlaceAmongEventsOfOthersNowAndThen) {
    created(1, "a");
    table_->commit();
    apply(2, "7", "other");
    table_->commit();
    start();
    EXPECT_EQ(at_, 1u);
    apply(2, "7", "other");
    table_->commit();
    table_->tend(1'000'000);
    start();
    EXPECT_EQ(at_, 2u);
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a"})"));
}

TEST_F(RunTableTest, TakesBackWhatTheJournalHasLost) {
    created(1, "kept");
    created(2, "changed");
    created(3, "gone");
    updated(4, "changed", "lost");
    removed(5, "gone");
    created(6, "lost");
    table_->commit();
    gap(100, 3);
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"kept"})", "changed?", "gone?"));
}

TEST_F(RunTableTest, ForgetsRemovalsThatCannotBeLostAnyMore) {
    created(1, "a");
    removed(2, "a");
    table_->commit();
    table_->tend(1'000'000);
    table_->tend(1'000'000'000);
    created(3, "b");
    table_->commit();
    table_->tend(2'000'000'000);
    gap(4, 1);
    EXPECT_THAT(texts(), IsEmpty());
}

TEST_F(RunTableTest, BeginsAnewWithAnotherLog) {
    created(1, "a");
    table_->commit();
    apply(2, R"({"event":"run.created","run":{"id":"b"}})", "runs", 2);
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"b"})"));
}

TEST_F(RunTableTest, BeginsAnewWhereItIsAheadOfTheJournal) {
    created(5, "a");
    table_->commit();
    end_ = 4;
    start();
    EXPECT_EQ(at_, 0u);
    EXPECT_THAT(texts(), IsEmpty());
}

TEST_F(RunTableTest, BeginsAnewForAnotherChannel) {
    created(1, "a");
    table_->commit();
    start("others");
    EXPECT_EQ(at_, 0u);
    EXPECT_THAT(texts(), IsEmpty());
}

TEST_F(RunTableTest, BeginsAnewWhereItsFileIsDamaged) {
    created(1, "a");
    table_->commit();
    table_.reset();
    std::ofstream(path_, std::ios::binary) << std::string(8192, 'x');
    start();
    EXPECT_EQ(at_, 0u);
    created(1, "a");
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a"})"));
}

TEST_F(RunTableTest, KeepsItsRunsWhereTheJournalBeginsLater) {
    created(1, "a");
    table_->skip(1, 10);
    created(11, "b");
    EXPECT_THAT(texts(), ElementsAre(R"({"id":"a"})", R"({"id":"b"})"));
}

}  // namespace
}  // namespace herald::sidecar
