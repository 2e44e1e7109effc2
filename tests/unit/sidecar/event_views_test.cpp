// The projection of views: what it shows, and what is left of it after a crash.
#include "sidecar/views/event_views.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "journal_lines.hpp"
#include "sidecar/files.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

std::string jobs_document(int jobs) {
    const std::string count = std::to_string(jobs);
    return R"({"jobs":)" + count + R"(,"by_status":{"queued":)" + count +
           R"(},"by_farm":{"mock":)" + count + "}}";
}

class EventViewsTest : public testing::Test {
  protected:
    EventViewsTest() { configs_.push_back({"render", ViewKind::Jobs, ChannelPattern("render")}); }

    // What a start does, without a thread; the one before ends as kill -9 ends it: it keeps
    // nothing.
    void start(milliseconds checkpoint_apart = milliseconds(0)) {
        reader_.reset();
        views_ = std::make_unique<EventViews>(state_, configs_,
                                              JournalPlace{journal_.segments(), log_, journal_end_},
                                              checkpoint_apart);
        opened_at_ = views_->open();
        reader_ = std::make_unique<JournalReader>(journal_.segments(), opened_at_);
    }
    // Applies what the journal has, and shows it.
    void follow() {
        JournalEntry entry;
        while (reader_->next(entry) == JournalReader::Read::Entry)
            views_->apply(entry);
        views_->show();
    }
    void make_all() {
        while (views_->make_some()) {
        }
    }
    std::string shown(size_t view = 0) const {
        const EventViews::Document document = views_->document(view);
        return document == nullptr ? "nothing" : *document;
    }

    void write(const std::string& channel, const std::string& data) {
        JournalEntry entry;
        entry.id = {JournalLines::kLog, ++seq_};
        entry.at_ms = 1'700'000'000'000 + seq_;
        entry.channel = channel;
        entry.data = data;
        journal_.append(entry);
        journal_end_ = seq_;
    }
    void write_job(const std::string& id) {
        write("render", R"({"event":"job.created","job":{"job_id":")" + id +
                            R"(","status":"queued","farm":"mock"}})");
    }
    void write_jobs(int first, int last) {
        for (int i = first; i <= last; ++i)
            write_job("job-" + std::to_string(i));
    }

    std::string checkpoint() const { return state_ + "/views/checkpoint"; }

    TemporaryDirectory directory_{};
    std::string state_ = directory_ / "state";
    JournalLines journal_{};
    uint64_t seq_ = 0;
    uint64_t journal_end_ = 0;
    uint32_t log_ = JournalLines::kLog;
    std::vector<ViewConfig> configs_{};
    std::unique_ptr<EventViews> views_{};
    std::unique_ptr<JournalReader> reader_{};
    uint64_t opened_at_ = 0;
};

TEST_F(EventViewsTest, ShowsNothingBeforeItIsAtTheEnd) {
    write_jobs(1, 3);
    start();
    JournalEntry entry;
    while (reader_->next(entry) == JournalReader::Read::Entry)
        views_->apply(entry);
    views_->commit();
    EXPECT_EQ(shown(), "nothing");
    views_->show();
    EXPECT_EQ(shown(), jobs_document(3));
}

TEST_F(EventViewsTest, ShowsAnEmptyViewWithoutEvents) {
    start();
    follow();
    EXPECT_EQ(shown(), R"({"jobs":0,"by_status":{},"by_farm":{}})");
}

TEST_F(EventViewsTest, FollowsTheJournal) {
    start();
    follow();
    write_jobs(1, 2);
    follow();
    views_->commit();
    EXPECT_EQ(shown(), jobs_document(2));
    write_jobs(3, 3);
    follow();
    EXPECT_EQ(shown(), jobs_document(2));  // not before the commit
    views_->commit();
    EXPECT_EQ(shown(), jobs_document(3));
}

TEST_F(EventViewsTest, ShowsTheSameDocumentAsLongAsNothingChanges) {
    write_jobs(1, 2);
    start();
    follow();
    const EventViews::Document before = views_->document(0);
    write_jobs(1, 2);
    write("other", "{}");
    follow();
    views_->commit();
    EXPECT_EQ(views_->document(0), before);
}

TEST_F(EventViewsTest, GivesEachViewTheEventsOfItsChannels) {
    configs_.push_back({"all", ViewKind::Jobs, ChannelPattern("{any}")});
    configs_.push_back({"ingest", ViewKind::Runs, ChannelPattern("ingest:{site}")});
    write_job("a");
    write("renders",
          R"({"event":"job.created","job":{"job_id":"b","status":"queued","farm":"mock"}})");
    write("ingest:x", R"({"event":"run.created","run":{"id":"r"}})");
    start();
    follow();
    EXPECT_EQ(shown(0), jobs_document(1));
    EXPECT_EQ(shown(1), jobs_document(2));
    EXPECT_EQ(shown(2), R"({"counts":{"total":1,"successful":0,"failed":0,"running":1},)"
                        R"("last_success_at":null,"failure_streak":0})");
    EXPECT_EQ(views_->foreign(), 1u);  // a run is no job
}

TEST_F(EventViewsTest, CountsWhatItDoesNotUnderstand) {
    write_job("a");
    for (const char* data : {"1", "{}", R"({"event":"job.created"})", "\"text\""})
        write("render", data);
    start();
    follow();
    EXPECT_EQ(shown(), jobs_document(1));
    EXPECT_EQ(views_->foreign(), 4u);
}

// -- after a crash

TEST_F(EventViewsTest, GoesOnFromItsCheckpoint) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    EXPECT_EQ(views_->kept_seq(), 100u);
    write_jobs(101, 120);
    start();
    EXPECT_EQ(opened_at_, 100u);
    follow();
    EXPECT_EQ(shown(), jobs_document(120));
}

TEST_F(EventViewsTest, AppliesAgainWhatCameAfterTheCheckpoint) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    write("render", R"({"event":"job.removed","job":{"job_id":"job-1"}})");
    write_jobs(101, 150);
    follow();
    start();  // killed between apply and checkpoint
    EXPECT_EQ(opened_at_, 100u);
    follow();
    EXPECT_EQ(shown(), jobs_document(149));
}

TEST_F(EventViewsTest, StartsAtTheJournalsStartWithoutACheckpoint) {
    write_jobs(1, 100);
    start(hours(1));
    follow();
    views_->commit();
    EXPECT_EQ(views_->kept_seq(), 0u);
    EXPECT_FALSE(std::filesystem::exists(checkpoint()));
    start();
    EXPECT_EQ(opened_at_, 0u);
    follow();
    EXPECT_EQ(shown(), jobs_document(100));
}

TEST_F(EventViewsTest, StartsAnewWhereTheCheckpointIsDamaged) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    const std::string whole = read_file(checkpoint());
    for (const size_t at : {size_t{0}, size_t{9}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        std::ofstream(checkpoint(), std::ios::binary) << damaged;
        start();
        EXPECT_EQ(opened_at_, 0u) << at;
        follow();
        EXPECT_EQ(shown(), jobs_document(100)) << at;
    }
    for (const size_t length : {size_t{0}, size_t{8}, size_t{30}, whole.size() - 1}) {
        std::ofstream(checkpoint(), std::ios::binary) << whole.substr(0, length);
        start();
        EXPECT_EQ(opened_at_, 0u) << length;
    }
}

TEST_F(EventViewsTest, DoesNotBelieveACheckpointThatIsAheadOfTheJournal) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    journal_end_ = 99;
    start();
    EXPECT_EQ(opened_at_, 0u);
}

TEST_F(EventViewsTest, DoesNotBelieveACheckpointOfAnotherLog) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    log_ = 0x0a0b0c0d;
    journal_.segments().assign({{log_, 1, directory_ / "another.jsonl"}});
    std::ofstream(directory_ / "another.jsonl").flush();
    start();
    EXPECT_EQ(opened_at_, 0u);
}

TEST_F(EventViewsTest, GoesOnFromAnEarlierLogThatTheJournalHas) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    log_ = 0x0a0b0c0d;
    journal_.segments().add({log_, 101, directory_ / "another.jsonl"});
    std::ofstream(directory_ / "another.jsonl").flush();
    start();
    EXPECT_EQ(opened_at_, 100u);
}

TEST_F(EventViewsTest, KeepsWhatTheJournalNoLongerHas) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    journal_.begin_segment(101);
    journal_.segments().remove_oldest();
    write_jobs(101, 101);
    start();
    EXPECT_EQ(opened_at_, 100u);
    follow();
    EXPECT_EQ(shown(), jobs_document(101));
}

TEST_F(EventViewsTest, GoesOnWhereTheCheckpointCannotBeWritten) {
    write_jobs(1, 10);
    start();
    std::filesystem::create_directory(checkpoint() + ".tmp");  // in the way
    follow();
    views_->commit();
    EXPECT_EQ(shown(), jobs_document(10));
    EXPECT_EQ(views_->kept_seq(), 0u);

    std::filesystem::remove(checkpoint() + ".tmp");
    views_->tend(0);
    EXPECT_EQ(views_->kept_seq(), 10u);
}

TEST_F(EventViewsTest, WritesNoCheckpointWithoutNeed) {
    write_jobs(1, 10);
    start();
    follow();
    views_->commit();
    std::filesystem::remove(checkpoint());
    views_->commit();
    views_->tend(0);
    EXPECT_FALSE(std::filesystem::exists(checkpoint()));
}

// -- what is made anew

TEST_F(EventViewsTest, MakesANewViewOfTheJournalBesideTheOthers) {
    write_jobs(1, 100);
    start();
    follow();
    views_->commit();
    configs_.push_back({"second", ViewKind::Jobs, ChannelPattern("{any}")});
    start();
    EXPECT_EQ(opened_at_, 100u);
    follow();
    EXPECT_EQ(shown(0), jobs_document(100));
    EXPECT_EQ(shown(1), "nothing");
    write_jobs(101, 102);
    follow();
    make_all();
    views_->commit();
    EXPECT_EQ(shown(0), jobs_document(102));
    EXPECT_EQ(shown(1), jobs_document(102));

    start();  // from the checkpoint, both
    follow();
    EXPECT_EQ(shown(1), jobs_document(102));
}

TEST_F(EventViewsTest, KeepsNothingOfAViewThatIsNotComplete) {
    write_jobs(1, 5000);
    start();
    follow();
    views_->commit();
    configs_.push_back({"second", ViewKind::Jobs, ChannelPattern("{any}")});
    start();
    ASSERT_TRUE(views_->make_some());  // a part
    write_jobs(5001, 5001);
    follow();
    views_->commit();
    start();  // killed
    EXPECT_EQ(opened_at_, 5001u);
    follow();
    EXPECT_EQ(shown(1), "nothing");
    make_all();
    EXPECT_EQ(shown(1), jobs_document(5001));
}

TEST_F(EventViewsTest, MakesAViewAnewWhoseChannelsAreOthers) {
    write_jobs(1, 10);
    start();
    follow();
    views_->commit();
    configs_[0].channels = ChannelPattern("rendering");
    write("rendering",
          R"({"event":"job.created","job":{"job_id":"b","status":"queued","farm":"mock"}})");
    start();
    follow();
    make_all();
    EXPECT_EQ(shown(), jobs_document(1));
}

TEST_F(EventViewsTest, ServesTheOldViewUntilTheNewOneIsMade) {
    write_jobs(1, 5000);
    start();
    follow();
    views_->commit();
    // The journal loses its oldest part, which the new view then does not have.
    journal_.begin_segment(5001);
    write_jobs(5001, 8000);
    journal_.segments().remove_oldest();
    follow();
    views_->commit();
    views_->make_anew(0);
    ASSERT_TRUE(views_->make_some());
    EXPECT_EQ(shown(), jobs_document(8000));
    views_->make_anew(0);  // changes nothing: it is being made
    write_jobs(8001, 8001);
    follow();
    make_all();
    EXPECT_EQ(shown(), jobs_document(3001));

    views_->commit();
    start();
    follow();
    EXPECT_EQ(shown(), jobs_document(3001));
}

TEST_F(EventViewsTest, ShowsWhatItHasShownUntilAFailureIsCaughtUp) {
    write_jobs(1, 10);
    start();
    follow();
    views_->commit();
    write_jobs(11, 12);
    follow();
    views_->commit();
    EXPECT_EQ(shown(), jobs_document(12));
    std::filesystem::remove(checkpoint());
    EXPECT_EQ(views_->open(), 0u);
    EXPECT_EQ(shown(), jobs_document(12));
    reader_ = std::make_unique<JournalReader>(journal_.segments(), 0);
    follow();
    EXPECT_EQ(shown(), jobs_document(12));
}

TEST_F(EventViewsTest, ComesBackWithAHundredThousandJobs) {
    constexpr int kJobs = 100'000;
    start(hours(1));
    for (int i = 1; i <= kJobs; ++i) {
        const std::string data = R"({"event":"job.created","job":{"job_id":"job-)" +
                                 std::to_string(i) + R"(","status":"queued","farm":"mock"}})";
        JournalEntry entry = JournalLines::event(static_cast<uint64_t>(i));
        entry.channel = "render";
        entry.data = data;
        views_->apply(entry);
    }
    views_->show();
    EXPECT_EQ(shown(), jobs_document(kJobs));
}

}  // namespace
}  // namespace herald::sidecar
