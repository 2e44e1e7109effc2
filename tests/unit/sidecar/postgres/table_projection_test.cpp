// A table's projection against a database that does as it is told.
#include "sidecar/postgres/table_projection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "../temporary_directory.hpp"
#include "fake_database.hpp"
#include "sidecar/files.hpp"

namespace herald::sidecar::postgres {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint32_t kLog = 0x7f3a2c01;

class TableProjectionTest : public testing::Test {
  protected:
    TableProjectionTest() {
        feed_.table.emplace();
        feed_.table->name = {"t"};
        feed_.table->columns = {{"k", parse_source("$seq", {})}, {"v", parse_source("v", {})}};
        feed_.table->unique = "k";
        config_.batch = 10;
    }

    TableProjection projection() {
        return {feed_, config_, database_, dead_letters_, {kLog, {}, journal_end_}};
    }

    static void apply(TableProjection& table, uint64_t seq, const std::string& data = "{}",
                      const std::string& channel = "jobs:1") {
        JournalEntry entry;
        entry.id = {kLog, seq};
        entry.channel = channel;
        entry.data = data;
        table.apply(entry);
    }

    static std::vector<std::string> rows(uint64_t first, uint64_t last) {
        std::vector<std::string> rows;
        for (uint64_t seq = first; seq <= last; ++seq)
            rows.push_back("{\"k\":" + std::to_string(seq) + "}");
        return rows;
    }

    std::string reason_of_open() {
        TableProjection table = projection();
        try {
            table.open();
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "opened";
    }

    TemporaryDirectory directory_{};
    Feed feed_{.name = "jobs", .channels = ChannelPattern("jobs:{id}")};
    PostgresConfig config_{};
    FakeDatabase database_{};
    DeadLetters dead_letters_{directory_ / "state", 4096};
    uint64_t journal_end_ = 1000;
};

TEST_F(TableProjectionTest, InsertsWhatWasAppliedWithTheCheckpoint) {
    TableProjection table = projection();
    EXPECT_EQ(table.open(), 0u);
    apply(table, 1, R"({"v":"a"})");
    apply(table, 2, "{}", "other:1");
    apply(table, 3, R"({"v":[1]})");
    EXPECT_THAT(database_.committed.rows, IsEmpty());
    table.commit();
    EXPECT_THAT(database_.committed.rows, ElementsAre(R"({"k":1,"v":"a"})", R"({"k":3,"v":[1]})"));
    EXPECT_EQ(database_.committed.seq, 3u);
    EXPECT_EQ(projection().open(), 3u);
}

TEST_F(TableProjectionTest, WritesAsManyRowsInAStatementAsItMay) {
    TableProjection table = projection();
    table.open();
    for (uint64_t seq = 1; seq <= 25; ++seq)
        apply(table, seq);
    table.commit();
    EXPECT_THAT(database_.committed.rows, ElementsAreArray(rows(1, 25)));
    EXPECT_EQ(database_.count("INSERT INTO \"t\""), 3u);
    EXPECT_EQ(database_.count("UPDATE"), 1u);
}

TEST_F(TableProjectionTest, PutsLongRowsIntoStatementsOfTheirOwn) {
    TableProjection table = projection();
    table.open();
    for (uint64_t seq = 1; seq <= 3; ++seq)
        apply(table, seq, "{\"v\":\"" + std::string(700'000, 'x') + "\"}");
    table.commit();
    EXPECT_EQ(database_.committed.rows.size(), 3u);
    EXPECT_EQ(database_.count("INSERT INTO \"t\""), 3u);
}

TEST_F(TableProjectionTest, AsksTheDatabaseNothingForEventsOfOthers) {
    TableProjection table = projection();
    table.open();
    const size_t before = database_.statements.size();
    apply(table, 1, "{}", "other:1");
    table.commit();
    EXPECT_EQ(database_.statements.size(), before);
}

TEST_F(TableProjectionTest, BeginsAnewFromTheCheckpointWhenTheConnectionIsLost) {
    TableProjection table = projection();
    table.open();
    apply(table, 1);
    table.commit();
    apply(table, 2);
    database_.at_execute = [](const std::string& sql) {
        if (sql == "COMMIT")
            throw Error("", "server closed the connection unexpectedly");
    };
    EXPECT_THROW(table.commit(), std::runtime_error);
    database_.at_execute = {};
    EXPECT_EQ(table.open(), 1u);
    apply(table, 2);
    table.commit();
    EXPECT_THAT(database_.committed.rows, ElementsAreArray(rows(1, 2)));
}

TEST_F(TableProjectionTest, InsertsNothingTwiceWhenACommitWasDoneAndNobodyHeardOfIt) {
    TableProjection table = projection();
    table.open();
    apply(table, 1);
    database_.behind_commit = [] { throw Error("", "no answer in time"); };
    EXPECT_THROW(table.commit(), std::runtime_error);
    database_.behind_commit = {};
    EXPECT_EQ(table.open(), 1u);
    apply(table, 2);
    table.commit();
    EXPECT_THAT(database_.committed.rows, ElementsAreArray(rows(1, 2)));
}

TEST_F(TableProjectionTest, InsertsNothingWhereTheCheckpointWasMovedMeanwhile) {
    TableProjection table = projection();
    table.open();
    apply(table, 1);
    database_.committed = {rows(1, 1), 1};  // the end of a transaction that was given up
    try {
        table.commit();
        FAIL() << "committed";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "the checkpoint is not where it was left: it is read again");
    }
    EXPECT_EQ(table.open(), 1u);
    EXPECT_THAT(database_.committed.rows, ElementsAreArray(rows(1, 1)));
}

TEST_F(TableProjectionTest, BeginsAnewWhereTheCheckpointIsAheadOfTheJournal) {
    database_.committed.seq = 2000;
    EXPECT_EQ(projection().open(), 0u);
    database_.committed.seq = 1000;
    EXPECT_EQ(projection().open(), 1000u);
}

TEST_F(TableProjectionTest, NamesTheColumnsThatTheTableLacks) {
    database_.columns = {"k", "x"};
    EXPECT_EQ(reason_of_open(),
              "table t lacks the column \"v\"; add what is missing, or take it out of the feed's "
              "columns");
    database_.columns = {"x"};
    EXPECT_THAT(reason_of_open(), HasSubstr("lacks the columns \"k\", \"v\";"));
    database_.has_table = false;
    EXPECT_EQ(reason_of_open(), "there is no table t");
}

TEST_F(TableProjectionTest, NamesTheColumnsThatNothingGivesAValue) {
    database_.wanting = {"owner"};
    EXPECT_EQ(reason_of_open(),
              "table t wants a value (NOT NULL, no default) in \"owner\", which the feed's columns "
              "do not give");
    database_.wanting = {"v"};
    database_.columns = {"k"};
    EXPECT_EQ(reason_of_open(), "opened");
}

TEST_F(TableProjectionTest, WantsAUniqueConstraint) {
    database_.is_unique = false;
    EXPECT_THAT(reason_of_open(),
                HasSubstr("table t has no unique constraint on the column \"k\" alone, by which "
                          "repeats are told; add UNIQUE (\"k\")"));
}

TEST_F(TableProjectionTest, KeepsAsideTheRowsThatDoNotFitAndInsertsTheOthers) {
    TableProjection table = projection();
    table.open();
    for (uint64_t seq = 1; seq <= 25; ++seq)
        apply(table, seq);
    database_.at_row = [](const std::string& row) {
        if (row == R"({"k":3})" || row == R"({"k":4})" || row == R"({"k":25})")
            throw Error("22P02", "invalid input syntax for type uuid: \"x\"");
    };
    table.commit();
    auto due = rows(1, 24);
    due.erase(due.begin() + 2, due.begin() + 4);
    EXPECT_THAT(database_.committed.rows, ElementsAreArray(due));
    EXPECT_EQ(database_.committed.seq, 25u);
    EXPECT_EQ(table.figures().refused, 3u);
    EXPECT_EQ(table.figures().inserted, 22u);
    std::string lines;
    for (const char* seq : {"3", "4", "25"})
        lines += R"({"id":"7f3a2c01-)" + std::string(seq) +
                 R"(","feed":"jobs","table":"t","sqlstate":"22P02",)"
                 R"("error":"invalid input syntax for type uuid: \"x\"","row":{"k":)" +
                 seq + "}}\n";
    EXPECT_EQ(read_file(dead_letters_.path()), lines);
}

TEST_F(TableProjectionTest, GivesUpNoRowForWhatIsNotItsFault) {
    TableProjection table = projection();
    table.open();
    for (const char* state : {"40P01", "53100", "57014", "42703", "42501", "25006"}) {
        apply(table, 1);
        database_.at_row = [&](const std::string&) { throw Error(state, "not now"); };
        EXPECT_THROW(table.commit(), std::runtime_error) << state;
        EXPECT_EQ(table.open(), 0u);
    }
    database_.at_row = {};
    apply(table, 1);
    table.commit();
    EXPECT_THAT(database_.committed.rows, ElementsAreArray(rows(1, 1)));
    EXPECT_EQ(table.figures().refused, 0u);
    EXPECT_EQ(table.figures().error, "not now (SQLSTATE 25006)");
}

TEST_F(TableProjectionTest, HoldsRowsBackRatherThanLoseThemWhereTheDeadLettersAreFull) {
    TableProjection table = projection();
    table.open();
    database_.at_row = [](const std::string&) { throw Error("23514", std::string(5000, 'x')); };
    apply(table, 1);
    try {
        table.commit();
        FAIL() << "committed";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), AllOf(HasSubstr("dead.jsonl is full; move it away")));
    }
    EXPECT_EQ(database_.committed.seq, 0u);
}

TEST_F(TableProjectionTest, DoesNothingMoreWhenTheEndHasCome) {
    TableProjection table = projection();
    table.open();
    apply(table, 1);
    database_.at_execute = [](const std::string&) { throw Stopped{}; };
    EXPECT_NO_THROW(table.commit());
    apply(table, 2);
    EXPECT_NO_THROW(table.commit());
    EXPECT_THAT(database_.committed.rows, IsEmpty());
    database_.at_connect = [] { throw Stopped{}; };
    EXPECT_NO_THROW(table.open());
}

TEST_F(TableProjectionTest, CountsRepeatsThatTheTableHasAlready) {
    TableProjection table = projection();
    table.open();
    database_.repeats = {R"({"k":2})"};
    for (uint64_t seq = 1; seq <= 3; ++seq)
        apply(table, seq);
    table.commit();
    EXPECT_EQ(table.figures().inserted, 2u);
    EXPECT_EQ(table.figures().repeats, 1u);
    EXPECT_EQ(table.figures().error, "");
}

TEST_F(TableProjectionTest, ReportsThatTheServerIsAway) {
    database_.at_connect = [] { throw Error("", "connection refused"); };
    EXPECT_EQ(reason_of_open(), "connection refused");
    database_.at_connect = {};
    database_.at_execute = [](const std::string&) { throw Error("42501", "permission denied"); };
    EXPECT_EQ(reason_of_open(), "permission denied (SQLSTATE 42501)");
}

// -- history

class HistoryProjectionTest : public TableProjectionTest {
  protected:
    HistoryProjectionTest() {
        for (const auto& [name, source] :
             {std::pair{"channel", "$channel"}, {"data", "$data"}, {"time", "$time"}}) {
            feed_.table->columns.push_back({name, parse_source(source, {})});
            database_.columns.emplace_back(name);
        }
        feed_.table->history = find_history_columns(feed_.table->columns, "position", false);
    }

    std::string statement(std::string_view start) const {
        for (const std::string& sql : database_.statements) {
            if (sql.starts_with(start))
                return sql;
        }
        return "none";
    }
};

TEST_F(HistoryProjectionTest, GivesThePastALogOnce) {
    EXPECT_EQ(reason_of_open(), "opened");
    const std::string log = database_.committed.history_log;
    EXPECT_NE(log, "");
    EXPECT_EQ(reason_of_open(), "opened");
    EXPECT_EQ(database_.committed.history_log, log);
}

TEST_F(HistoryProjectionTest, TakesTheTablesLockBeforeItInserts) {
    TableProjection table = projection();
    table.open();
    apply(table, 1);
    table.commit();
    EXPECT_THAT(
        statement("UPDATE"),
        HasSubstr("RETURNING pg_advisory_xact_lock(1215458404, to_regclass($6)::oid::int)"));
    const auto first = [&](std::string_view start) {
        return std::ranges::find_if(database_.statements,
                                    [&](const auto& sql) { return sql.starts_with(start); });
    };
    EXPECT_LT(first("UPDATE"), first("WITH inserted"));
}

TEST_F(HistoryProjectionTest, RemembersTheHighestPosition) {
    TableProjection table = projection();
    table.open();
    const std::string log = database_.committed.history_log;
    for (uint64_t seq = 1; seq <= 25; ++seq)
        apply(table, seq);
    table.commit();
    EXPECT_EQ(database_.committed.history_position, 25u);
    apply(table, 26);
    table.commit();
    EXPECT_EQ(database_.committed.history_position, 26u);
    EXPECT_EQ(database_.committed.history_log, log);
    EXPECT_EQ(table.figures().inserted, 26u);
}

TEST_F(HistoryProjectionTest, IsAnotherPastWherePositionsGoBack) {
    TableProjection table = projection();
    table.open();
    const std::string log = database_.committed.history_log;
    apply(table, 1);
    apply(table, 2);
    table.commit();
    database_.next_position = 1;
    apply(table, 3);
    table.commit();
    EXPECT_NE(database_.committed.history_log, log);
    EXPECT_EQ(database_.committed.history_position, 1u);
}

TEST_F(HistoryProjectionTest, CountsPositionsOfRepeatsAndRefusedRowsForNothing) {
    TableProjection table = projection();
    table.open();
    database_.at_row = [](const std::string& row) {
        if (row.find("\"k\":2") != row.npos)
            throw Error("22P02", "no");
    };
    for (uint64_t seq = 1; seq <= 3; ++seq)
        apply(table, seq);
    table.commit();
    EXPECT_EQ(table.figures().inserted, 2u);
    EXPECT_EQ(table.figures().refused, 1u);
    EXPECT_EQ(database_.committed.history_position, 2u);
}

TEST_F(HistoryProjectionTest, KeepsTheBytesAlsoInJson) {
    database_.data_type = "json";
    TableProjection table = projection();
    table.open();
    apply(table, 1, R"("\u0000")");
    table.commit();
    EXPECT_THAT(database_.committed.rows, ElementsAre(HasSubstr(R"("data":"\"\\u0000\"")")));
    EXPECT_THAT(statement("WITH inserted"), HasSubstr(R"(("data" #>> '{}')::json)"));
}

TEST_F(HistoryProjectionTest, IsReadableOnlyWhileTheTableFits) {
    TableProjection table = projection();
    EXPECT_FALSE(table.history_schema());
    table.open();
    EXPECT_EQ(table.history_schema()->data, "data");
    database_.data_type = "jsonb";
    EXPECT_THROW(table.open(), std::runtime_error);
    EXPECT_FALSE(table.history_schema());
}

}  // namespace
}  // namespace herald::sidecar::postgres
