// A table's answers, by a database that has rows and no SQL. What SQL makes of them:
// t/postgres_history.t.
#include "sidecar/postgres/history_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "history_fixture.hpp"
#include "sidecar/index_search.hpp"

namespace herald::sidecar::postgres {
namespace {

using ring::EventId;
using ring::questions::HistoryQuestion;
using ring::questions::HistoryStatus;
using ring::questions::Order;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class HistoryReaderTest : public testing::Test {
  protected:
    void put(uint64_t first, uint64_t last, const std::string& data = "{}") {
        for (uint64_t position = first; position <= last; ++position)
            database_.rows.push_back({position, "t", data, true});
    }

    Answered ask(const HistoryQuestion& question, bool is_whole = true) {
        const HistoryReader reader(feed_, config_);
        const auto connection = database_.connect();
        return read_answer(
            reader.answer(*connection, {"data", false, true}, question, is_whole, given_up_));
    }

    static EventId id(uint64_t seq) { return {kHistoryLog, seq}; }

    Feed feed_ = history_feed();
    PostgresConfig config_{};
    FakeHistory database_{};
    std::atomic<bool> given_up_{false};
};

TEST_F(HistoryReaderTest, GivesTheNewestInTheirOrder) {
    put(1, 9);
    const Answered newest = ask(poll_of({}, 3));
    EXPECT_THAT(newest.seqs, ElementsAre(7, 8, 9));
    EXPECT_EQ(newest.head.more, 1u);
    EXPECT_EQ(newest.head.log, kHistoryLog);
    EXPECT_EQ(newest.head.newest_seq, 9u);
    EXPECT_THAT(ask(poll_of({}, 9)).seqs, SizeIs(9));
    EXPECT_EQ(ask(poll_of({}, 9)).head.more, 0u);
}

TEST_F(HistoryReaderTest, GoesOnBehindAnIdOfItsLog) {
    put(1, 9);
    const Answered forward = ask(poll_of({.after = id(4)}, 3));
    EXPECT_THAT(forward.seqs, ElementsAre(5, 6, 7));
    EXPECT_EQ(forward.head.more, 1u);
    EXPECT_THAT(ask(poll_of({.after = id(9)})).seqs, IsEmpty());
}

TEST_F(HistoryReaderTest, StartsWithTheOldestWhereTheIdMeansNothing) {
    put(3, 5);
    EXPECT_THAT(ask(poll_of({.after = EventId{1, 4}})).seqs, ElementsAre(3, 4, 5));
    const Answered future = ask(poll_of({.after = id(6)}));
    EXPECT_THAT(future.seqs, ElementsAre(3, 4, 5));
    EXPECT_EQ(future.head.seen_seq, 5u);  // by which the worker sees the same
}

TEST_F(HistoryReaderTest, KnowsIdsOfOtherChannelsByTheHighestPosition) {
    put(3, 5);
    database_.newest_anywhere = "40";
    const Answered behind = ask(poll_of({.after = id(40)}));
    EXPECT_THAT(behind.seqs, IsEmpty());
    EXPECT_EQ(behind.head.seen_seq, 40u);
}

TEST_F(HistoryReaderTest, GivesWhatIsBeforeAnId) {
    put(1, 9);
    EXPECT_THAT(ask(poll_of({.before = id(4)}, 2)).seqs, ElementsAre(2, 3));
    EXPECT_THAT(ask(poll_of({.before = id(0)})).seqs, IsEmpty());
    EXPECT_THAT(ask(poll_of({.after = id(2), .before = id(5)})).seqs, ElementsAre(3, 4));
    EXPECT_EQ(ask(poll_of({.before = EventId{1, 4}})).head.status, HistoryStatus::OtherLog);
}

TEST_F(HistoryReaderTest, IsNotModifiedAsLongAsTheNewestIsKnown) {
    put(1, 4);
    EXPECT_EQ(ask(poll_of({.known = id(4)})).head.status, HistoryStatus::NotModified);
    EXPECT_EQ(ask(poll_of({.known = id(3)})).head.status, HistoryStatus::Found);
    EXPECT_EQ(ask(poll_of({.known = EventId{1, 4}})).head.status, HistoryStatus::Found);
    database_.rows.clear();
    EXPECT_EQ(ask(poll_of({.known = id(0)})).head.status, HistoryStatus::Found);
}

TEST_F(HistoryReaderTest, SaysOfAChannelWithoutRowsOnlyWhatItCanKnow) {
    EXPECT_EQ(ask(poll_of(), true).head.known, 0u);
    EXPECT_EQ(ask(poll_of(), false).head.known, 2u);
    put(1, 1);
    EXPECT_EQ(ask(poll_of(), false).head.known, 1u);
}

TEST_F(HistoryReaderTest, EndsWithTheBytesThatWereAskedFor) {
    put(1, 9, std::string(100, '1'));
    HistoryQuestion question = poll_of({.after = id(0)});
    question.range.max_bytes = 350;
    const Answered forward = ask(question);
    EXPECT_THAT(forward.seqs, ElementsAre(1, 2));
    EXPECT_EQ(forward.head.more, 1u);
    question.range.order = Order::Newest;
    EXPECT_THAT(ask(question).seqs, ElementsAre(8, 9));
    question.range.max_bytes = 1;
    EXPECT_THAT(ask(question).seqs, ElementsAre(9));
}

TEST_F(HistoryReaderTest, FetchesNoMoreBytesThanAnAnswerHas) {
    put(1, 9, std::string(400'000, '1'));
    HistoryQuestion question = poll_of({.after = id(0)});
    question.range.max_bytes = 1 << 20;
    EXPECT_THAT(ask(question).seqs, ElementsAre(1, 2));
    EXPECT_THAT(database_.batches, ElementsAre(3));
}

TEST_F(HistoryReaderTest, ReadsOnBatchByBatch) {
    put(1, 700);
    HistoryQuestion question = poll_of({.after = id(0)}, 0);
    EXPECT_THAT(ask(question).seqs, SizeIs(700));
    EXPECT_THAT(database_.batches, ElementsAre(256, 444));
    question.range.order = Order::Newest;
    const Answered newest = ask(question);
    EXPECT_THAT(newest.seqs, SizeIs(700));
    EXPECT_EQ(newest.seqs.front(), 1u);
}

TEST_F(HistoryReaderTest, SearchesWithTheIndexsBounds) {
    put(1, IndexSearch::kMostLooked + 10, R"({"type":"common"})");
    database_.rows[5].data = R"({"type":"rare"})";
    HistoryQuestion question = poll_of({.after = id(0)});
    question.search.types = {"rare"};
    const Answered first = ask(question);
    EXPECT_THAT(first.seqs, ElementsAre(6));
    EXPECT_EQ(first.head.more, 1u);
    EXPECT_EQ(first.head.behind_seq, IndexSearch::kMostLooked);

    question.poll->after = id(first.head.behind_seq);
    const Answered rest = ask(question);
    EXPECT_THAT(rest.seqs, IsEmpty());
    EXPECT_EQ(rest.head.more, 0u);
    EXPECT_EQ(rest.head.behind_seq, IndexSearch::kMostLooked + 10);
}

TEST_F(HistoryReaderTest, PassesOverWhatIsTooLate) {
    put(1, 5);
    database_.rows[1].in_time = database_.rows[3].in_time = false;
    HistoryQuestion question = poll_of();
    question.search.until_us = 7;
    EXPECT_THAT(ask(question).seqs, ElementsAre(1, 3, 5));
}

TEST_F(HistoryReaderTest, HasNoAnswerWithoutALog) {
    database_.log.clear();
    EXPECT_THROW(ask(poll_of()), std::runtime_error);
}

TEST_F(HistoryReaderTest, ReadsNoFurtherForNobody) {
    put(1, 5);
    given_up_ = true;
    EXPECT_THROW(ask(poll_of()), HistoryReader::GivenUp);
}

TEST_F(HistoryReaderTest, AnswersPollsOfOneChannelAlone) {
    HistoryQuestion question = poll_of();
    question.channels.push_back("jobs:2");
    EXPECT_EQ(ask(question).head.status, HistoryStatus::Malformed);
    question = poll_of();
    question.poll.reset();
    EXPECT_EQ(ask(question).head.status, HistoryStatus::Malformed);
    question = poll_of();
    question.range.order = Order::Behind;
    EXPECT_EQ(ask(question).head.status, HistoryStatus::Malformed);
    EXPECT_THAT(database_.statements, IsEmpty());
}

TEST_F(HistoryReaderTest, PutsNothingOfAQuestionIntoItsSql) {
    put(1, 2);
    HistoryQuestion question = poll_of({.after = id(1)});
    question.channels = {"jobs:'; DROP TABLE t; --"};
    ask(question);
    EXPECT_THAT(database_.statements, Each(testing::Not(testing::HasSubstr("DROP"))));
}

}  // namespace
}  // namespace herald::sidecar::postgres
