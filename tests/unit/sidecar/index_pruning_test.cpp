// What the index lets go of, and that it says so.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include "index_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kMinute = 60'000;

// Rows that are really in the file.
int64_t rows_in(const std::string& path, const std::string& table) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database, ("SELECT count(*) FROM " + table).c_str(), -1, &statement,
                       nullptr);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const int64_t rows = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return rows;
}

class IndexMaxEvents : public IndexTest {
  protected:
    IndexMaxEvents() {
        feeds_.push_back(feed("a"));
        feeds_.back().max_events = 3;
    }
};

TEST_F(IndexMaxEvents, IsNeverExceededByAnAnswer) {
    open();
    for (uint64_t seq = 1; seq <= 100; ++seq) {
        put(seq, "a");
        const History history = ask({});
        ASSERT_EQ(history.items.size(), std::min<uint64_t>(seq, 3));
        ASSERT_EQ(history.head.lost_seq, seq <= 3 ? 0 : seq - 3);
        ASSERT_EQ(ask({.order = Order::Newest, .limit = 10}).items.size(), history.items.size());
    }
    EXPECT_THAT(ask({.since_us = time_of(1)}).seqs(), ElementsAre(98, 99, 100));
}

TEST_F(IndexMaxEvents, HoldsForWhatTheNewestLieBehind) {
    open();
    for (uint64_t seq = 1; seq <= 100; ++seq)
        put(seq, "a");
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 2}).head.behind_seq, 98u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 3}).head.behind_seq, 97u);
    const History more = ask({.order = Order::Behind, .limit = 4});
    EXPECT_EQ(more.head.behind_seq, 0u);
    EXPECT_EQ(more.head.lost_seq, 97u);
}

TEST_F(IndexMaxEvents, IsKeptInTheFileButForASlack) {
    open();
    for (uint64_t seq = 1; seq <= 1000; ++seq)
        put(seq, seq % 2 == 0 ? "a" : "b");
    index_.commit();
    EXPECT_LE(rows_in(path_, "entries"), 500 + 3 + 16);
    EXPECT_EQ(rows_in(path_, "entries"), rows_in(path_, "events"));
    EXPECT_EQ(ask({}, {"b"}).items.size(), 500u);
}

TEST_F(IndexMaxEvents, HoldsForEventsFromBeforeItWasSet) {
    feeds_[0].max_events = 0;
    open();
    for (uint64_t seq = 1; seq <= 5000; ++seq)
        put(seq, "a");
    index_.commit();

    feeds_[0].max_events = 3;
    open();
    EXPECT_THAT(ask({}).seqs(), ElementsAre(4998, 4999, 5000));
    for (uint64_t seq = 5001; seq <= 5010; ++seq)
        put(seq, "a");
    index_.commit();
    EXPECT_THAT(ask({}).seqs(), ElementsAre(5008, 5009, 5010));
    EXPECT_LE(rows_in(path_, "events"), 3 + 16);
}

TEST_F(IndexMaxEvents, LossIsToldUpToTheQuestionsBound) {
    open();
    for (uint64_t seq = 1; seq <= 10; ++seq)
        put(seq, "a");
    EXPECT_EQ(ask({}).head.lost_seq, 7u);
    EXPECT_EQ(ask({.up_to_seq = 5}).head.lost_seq, 5u);
    EXPECT_EQ(ask({.after_seq = 6}).head.lost_seq, 7u);
    EXPECT_EQ(ask({.after_seq = 7}).head.lost_seq, 0u);
    EXPECT_EQ(ask({.after_seq = 6, .up_to_seq = 6}).head.lost_seq, 0u);
    EXPECT_EQ(ask({}, {"b"}).head.lost_seq, 0u);
}

TEST_F(IndexMaxEvents, HidesNothingOfOtherChannels) {
    open();
    for (uint64_t seq = 1; seq <= 5; ++seq)
        put(seq, "b");
    for (uint64_t seq = 6; seq <= 100; ++seq)
        put(seq, "a");
    const History history = ask({}, {"a", "b"});
    EXPECT_EQ(history.head.lost_seq, 97u);
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 3, 4, 5, 98, 99, 100));
    EXPECT_THAT(ask({.after_seq = 3}, {"a", "b"}).seqs(), ElementsAre(4, 5, 98, 99, 100));
    EXPECT_THAT(ask({.up_to_seq = 50}, {"a", "b"}).seqs(), ElementsAre(1, 2, 3, 4, 5));

    const History piece = ask({.limit = 2}, {"a", "b"});
    EXPECT_THAT(piece.seqs(), ElementsAre(1, 2));
    EXPECT_EQ(piece.head.more, 1u);
}

class IndexRetention : public IndexTest {
  protected:
    // Minutes: "a:*" 10, "b:*" 30, "c:*" for ever.
    IndexRetention() {
        for (const char* pattern : {"a:{id}", "b:{id}", "c:{id}"})
            feeds_.push_back(feed(pattern));
        feeds_[0].retention_ms = 10 * kMinute;
        feeds_[1].retention_ms = 30 * kMinute;
        open();
    }

    // One event of each feed a minute, from minute 1 on.
    void put_minutes(uint64_t count) {
        for (uint64_t minute = 1; minute <= count; ++minute) {
            const uint64_t seq = minute * 3;
            put_at(at(minute), seq - 2, "a:x");
            put_at(at(minute), seq - 1, "b:x");
            put_at(at(minute), seq, "c:x");
        }
        index_.commit();
    }
    static uint64_t at(uint64_t minute) { return kStartMs + minute * kMinute; }
};

TEST_F(IndexRetention, IsEachFeedsOwn) {
    put_minutes(60);
    index_.tend(at(60));
    EXPECT_EQ(ask({}, {"a:x"}).items.size(), 10u);
    EXPECT_EQ(ask({}, {"b:x"}).items.size(), 30u);
    EXPECT_EQ(ask({}, {"c:x"}).items.size(), 60u);
    EXPECT_EQ(ask({}, {"a:x"}).items[0].header.at_ms, at(51));
    EXPECT_EQ(rows_in(path_, "events"), 100);
    EXPECT_EQ(rows_in(path_, "entries"), 100);

    index_.tend(at(61));
    EXPECT_EQ(ask({}, {"a:x"}).items.size(), 9u);
    EXPECT_EQ(ask({}, {"b:x"}).items.size(), 29u);
}

TEST_F(IndexRetention, LossIsTold) {
    put_minutes(20);
    index_.tend(at(20));
    EXPECT_EQ(ask({}, {"a:x"}).head.lost_seq, 28u);
    EXPECT_EQ(ask({}, {"a:x", "c:x"}).head.lost_seq, 28u);
    EXPECT_EQ(ask({.after_seq = 28}, {"a:x"}).head.lost_seq, 0u);
    EXPECT_EQ(ask({}, {"c:x"}).head.lost_seq, 0u);
}

TEST_F(IndexRetention, AChannelWithoutEventsStaysKnownWithItsEnd) {
    put_at(at(1), 1, "a:x", "1", true);
    index_.tend(at(30));
    for (int round = 0; round < 2; ++round) {
        const History history = ask({}, {"a:x"});
        EXPECT_TRUE(history.items.empty());
        EXPECT_EQ(history.head.known, 1u);
        EXPECT_EQ(history.head.ended, 1u);
        EXPECT_EQ(history.head.newest_seq, 1u);
        EXPECT_EQ(history.head.lost_seq, 1u);
        open();
    }
    put_at(at(31), 2, "a:x");
    EXPECT_THAT(ask({}, {"a:x"}).seqs(), ElementsAre(2));
    EXPECT_EQ(ask({}, {"a:x"}).head.ended, 0u);
}

TEST_F(IndexRetention, GoesOnInSlicesUntilAllIsDone) {
    for (uint64_t seq = 1; seq <= 30'000; ++seq)
        put_at(at(1), seq, "a:" + std::to_string(seq % 100));
    index_.commit();
    index_.tend(at(60));
    const int64_t left = rows_in(path_, "events");
    EXPECT_GT(left, 0);
    EXPECT_LT(left, 30'000);
    for (int round = 0; round < 10; ++round)
        index_.tend(at(60));
    EXPECT_EQ(rows_in(path_, "events"), 0);
    EXPECT_EQ(rows_in(path_, "entries"), 0);
}

TEST_F(IndexRetention, CountsAnewWhenTheFeedsHaveChanged) {
    put_minutes(60);
    index_.tend(at(60));
    feeds_[2].retention_ms = 10 * kMinute;
    open();
    index_.tend(at(60));
    EXPECT_EQ(ask({}, {"c:x"}).items.size(), 10u);
    EXPECT_EQ(ask({}, {"a:x"}).items.size(), 10u);
}

TEST_F(IndexRetention, AClockThatWasAheadHoldsNothingUp) {
    put_at(at(100'000), 1, "a:x");
    put_at(at(100'000), 2, "a:y");
    put_at(at(1), 3, "a:x");
    put_at(at(2), 4, "a:z");
    put_at(at(20), 5, "a:z");
    index_.tend(at(20));
    EXPECT_THAT(ask({}, {"a:x"}).seqs(), IsEmpty());
    EXPECT_THAT(ask({}, {"a:y"}).seqs(), ElementsAre(2));
    EXPECT_THAT(ask({}, {"a:z"}).seqs(), ElementsAre(5));
}

TEST_F(IndexRetention, LeavesAYoungIndexAlone) {
    put_minutes(5);
    index_.tend(at(5));
    index_.tend(1000);  // a clock that says 1970
    EXPECT_EQ(rows_in(path_, "events"), 15);
}

TEST_F(IndexRetention, CountsForMaxEventsToo) {
    feeds_[0].max_events = 8;
    open();
    put_minutes(10);
    index_.tend(at(15));
    EXPECT_EQ(ask({}, {"a:x"}).items.size(), 5u);
    for (uint64_t seq = 31; seq <= 34; ++seq)
        put_at(at(16), seq, "a:x");
    EXPECT_EQ(ask({}, {"a:x"}).items.size(), 8u);
}

}  // namespace
}  // namespace herald::sidecar
