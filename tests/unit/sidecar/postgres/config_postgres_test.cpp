// [postgres], and the keys of a [[feed]] that say which table its events go into.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "../temporary_directory.hpp"
#include "sidecar/check.hpp"
#include "sidecar/config.hpp"
#include "sidecar/files.hpp"

namespace herald::sidecar {
namespace {

using postgres::Source;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kDatabase = "[postgres]\nurl = \"postgresql://herald@db/app\"\n";
// Line 3 on; what is tested begins in line 6.
constexpr const char* kFeed = "[[feed]]\nname = \"jobs\"\nchannels = \"jobs:{tenant}:{id}\"\n";
constexpr const char* kWhole =
    "[[feed]]\nname = \"jobs\"\nchannels = \"jobs:{id}\"\ntable = \"t\"\ndedupe = \"event_id\"\n";

std::vector<std::string> errors(const std::string& text) {
    try {
        parse_config(text, "h.toml", "");
    } catch (const ConfigError& error) {
        return error.messages();
    }
    return {};
}

postgres::TableMap table(const std::string& keys) {
    const Config config = parse_config(std::string(kDatabase) + kFeed + keys, "h.toml", "");
    return config.feeds.at(0).table.value();
}

std::string error_in(const std::string& keys) {
    const auto found = errors(std::string(kDatabase) + kFeed + keys);
    return found.size() == 1 ? found.front() : std::to_string(found.size()) + " errors";
}

std::string error_of_database(const std::string& keys) {
    const auto found = errors("[postgres]\n" + keys + kWhole);
    return found.size() == 1 ? found.front() : std::to_string(found.size()) + " errors";
}

TEST(PostgresConfig, HasDefaults) {
    const auto config = parse_config(std::string(kDatabase) + kWhole, "h.toml", "").postgres;
    EXPECT_EQ(config.url, "postgresql://herald@db/app");
    EXPECT_EQ(config.batch, 1000u);
    EXPECT_EQ(config.connect_timeout_ms, 10'000u);
    EXPECT_EQ(config.statement_timeout_ms, 30'000u);
    EXPECT_THAT(config.checkpoints, ElementsAre("herald_checkpoints"));
}

TEST(PostgresConfig, TakesEveryKey) {
    const auto config = parse_config(std::string("[postgres]\n"
                                                 "url = \"host=/run/postgresql dbname=app\"\n"
                                                 "batch = 50\nconnect_timeout = \"3s\"\n"
                                                 "statement_timeout = \"1m\"\n"
                                                 "checkpoints = \"herald.seqs\"\n") +
                                         kWhole,
                                     "h.toml", "")
                            .postgres;
    EXPECT_EQ(config.url, "host=/run/postgresql dbname=app");
    EXPECT_EQ(config.batch, 50u);
    EXPECT_EQ(config.connect_timeout_ms, 3000u);
    EXPECT_EQ(config.statement_timeout_ms, 60'000u);
    EXPECT_THAT(config.checkpoints, ElementsAre("herald", "seqs"));
}

TEST(PostgresConfig, TakesItsUrlFromTheEnvironmentOrAFile) {
    setenv("HERALD_TEST_DATABASE", "postgresql://u:secret@db/app?sslmode=verify-full", 1);
    EXPECT_EQ(postgres::read_url("env:HERALD_TEST_DATABASE"),
              "postgresql://u:secret@db/app?sslmode=verify-full");
    const TemporaryDirectory directory;
    const std::string path = directory / "url";
    replace_file(path, "host=db password='my secret'\n");
    EXPECT_EQ(postgres::read_url("file:" + path), "host=db password='my secret'");
    EXPECT_THAT(errors("[postgres]\nurl = \"env:HERALD_TEST_DATABASE\"\n" + std::string(kWhole)),
                IsEmpty());
    unsetenv("HERALD_TEST_DATABASE");
}

TEST(PostgresConfig, SaysWhatIsWrongWithTheUrlWithoutItsSecrets) {
    EXPECT_EQ(error_of_database("batch = 1\n"),
              "h.toml:1: [postgres] has no url; say where the database is, such as url = "
              "\"env:DATABASE_URL\"");
    EXPECT_EQ(error_of_database("url = \"env:HERALD_TEST_NONE\"\n"),
              "h.toml:2: [postgres] url names the environment variable HERALD_TEST_NONE, which is "
              "not set");
    EXPECT_EQ(error_of_database("url = \"file:/nonexistent/url\"\n"),
              "h.toml:2: [postgres] url names the file /nonexistent/url, which cannot be read: No "
              "such file or directory");
    for (const char* url : {"db.example", "", "postgresql://u:secret@db/?nonsense=1",
                            "password=secret nonsense=1", "password='secret"})
        EXPECT_THAT(error_of_database("url = \"" + std::string(url) + "\"\n"),
                    AllOf(HasSubstr("h.toml:2: [postgres] url is no connection string"),
                          HasSubstr("postgresql://user@host/database"), Not(HasSubstr("secret")),
                          Not(HasSubstr("nonsense"))))
            << url;
    for (const char* url : {"postgresql://u:secret@db/app", "host=db password=secret",
                            "postgresql://db/app?sslpassword=secret"})
        EXPECT_EQ(error_of_database("url = \"" + std::string(url) + "\"\n"),
                  "h.toml:2: [postgres] url holds a password; put the whole string into the "
                  "environment or a file, and name that: \"env:NAME\" or \"file:PATH\"");
}

TEST(PostgresConfig, RefusesNumbersBeyondTheirBounds) {
    const std::string url = "url = \"host=db\"\n";
    EXPECT_EQ(error_of_database(url + "batch = 0\n"),
              "h.toml:3: [postgres] batch is 0; expected 1 to 20000 rows");
    EXPECT_EQ(error_of_database(url + "connect_timeout = 5\n"),
              "h.toml:3: [postgres] connect_timeout is an integer; expected a time of \"1s\" to "
              "\"1h\", such as \"30s\"");
    EXPECT_EQ(error_of_database(url + "statement_timeout = \"2h\"\n"),
              "h.toml:3: [postgres] statement_timeout is \"2h\"; expected a time of \"1s\" to "
              "\"1h\", such as \"30s\"");
    EXPECT_EQ(error_of_database(url + "checkpoints = \"a.b.c\"\n"),
              "h.toml:3: [postgres] checkpoints is \"a.b.c\"; expected a table's name, or "
              "schema.table");
    EXPECT_THAT(error_of_database(url + "bach = 5\n"), HasSubstr("did you mean \"batch\"?"));
}

TEST(PostgresConfig, NeedsATableAndATableNeedsIt) {
    EXPECT_THAT(errors(kWhole), ElementsAre("h.toml:4: [[feed]] table has no effect without "
                                            "[postgres]; say where the database is, with url = "
                                            "\"env:DATABASE_URL\""));
    EXPECT_THAT(errors(std::string(kDatabase) + kFeed),
                ElementsAre("h.toml:1: [postgres] has no effect without a feed that has a table; "
                            "add one, such as table = \"enrichment_events\""));
}

TEST(FeedTable, HasAColumnForEachMemberOfTheEnrichmentEventsByDefault) {
    const auto map = table("table = \"public.enrichment_events\"\ndedupe = \"event_id\"\n");
    EXPECT_THAT(map.name, ElementsAre("public", "enrichment_events"));
    EXPECT_EQ(map.unique, "event_id");
    std::vector<std::string> names;
    for (const auto& column : map.columns) {
        names.push_back(column.name);
        EXPECT_EQ(column.source.kind, Source::Kind::Member);
        EXPECT_THAT(column.source.path, ElementsAre(column.name));
    }
    EXPECT_THAT(names,
                ElementsAre("event_id", "event_type", "routing_key", "bom_id", "organization_id",
                            "project_id", "user_id", "source", "workflow_id", "workflow_run_id",
                            "state", "payload", "created_at"));
}

TEST(FeedTable, TakesAMapOfColumns) {
    const auto map = table(
        "table = \"t\"\n"
        "columns = { a = \"$id\", b = \"$seq\", c = \"$channel\", d = \"$event\", e = \"$at\", "
        "f = \"$data\", g = \"${id}\", h = \"state.status\", \"odd \\\" name\" = \"x\" }\n");
    EXPECT_EQ(map.unique, "a");
    ASSERT_EQ(map.columns.size(), 9u);
    const Source::Kind kinds[] = {Source::Kind::Id,    Source::Kind::Seq, Source::Kind::Channel,
                                  Source::Kind::Event, Source::Kind::At,  Source::Kind::Data};
    for (size_t i = 0; i < std::size(kinds); ++i)
        EXPECT_EQ(map.columns[i].source.kind, kinds[i]);
    EXPECT_EQ(map.columns[6].source.kind, Source::Kind::Part);
    EXPECT_EQ(map.columns[6].source.part, 1u);
    EXPECT_THAT(map.columns[7].source.path, ElementsAre("state", "status"));
    EXPECT_EQ(map.columns[8].name, "odd \" name");
    EXPECT_EQ(
        table("table = \"t\"\nunique = \"k\"\ncolumns = { i = \"$id\", k = \"key\" }\n").unique,
        "k");
}

TEST(FeedTable, RefusesWhatIsNoTable) {
    EXPECT_EQ(error_in("table = \"a..b\"\ndedupe = \"event_id\"\n"),
              "h.toml:6: [[feed]] table is \"a..b\"; expected a table's name, or schema.table");
    EXPECT_THAT(error_in("table = \"" + std::string(64, 't') + "\"\ndedupe = \"event_id\"\n"),
                HasSubstr("is no name that PostgreSQL has; expected 1 to 63 bytes without control "
                          "characters"));
    EXPECT_EQ(error_in("columns = { a = \"$id\" }\n"), "2 errors");  // and [postgres] is for none
}

TEST(FeedTable, RefusesColumnsThatComeFromNowhere) {
    const std::string start = "table = \"t\"\nunique = \"a\"\n";
    EXPECT_EQ(error_in(start + "columns = { a = \"$idd\" }\n"),
              "h.toml:8: [[feed]] columns of \"a\" is \"$idd\"; expected a member's path, such as "
              "\"state.status\", or $id, $seq, $channel, $event, $at, $time, $data or ${part}");
    EXPECT_EQ(error_in(start + "columns = { a = \"${job}\" }\n"),
              "h.toml:8: [[feed]] columns of \"a\" is \"${job}\", which the channels do not have; "
              "they have tenant, id");
    EXPECT_EQ(error_in(start + "columns = { a = \"state..x\" }\n"),
              "h.toml:8: [[feed]] columns of \"a\" is \"state..x\"; expected the names of members "
              "with one dot in between, such as \"state.status\"");
    EXPECT_EQ(
        error_in(start + "columns = { a = 1 }\n"),
        "h.toml:8: [[feed]] columns of \"a\" is an integer; expected a string in quotes, such "
        "as \"state.status\" or \"$id\"");
    EXPECT_EQ(error_in(start + "columns = {}\n"),
              "h.toml:8: [[feed]] columns is empty; map at least one, or leave the key out");
}

TEST(FeedTable, NeedsSomethingByWhichRepeatsAreTold) {
    EXPECT_EQ(
        error_in("table = \"t\"\ncolumns = { a = \"x\" }\n"),
        "h.toml:7: [[feed]] columns has nothing by which repeats are told; give the member "
        "of dedupe a column, or $id, as in herald_id = \"$id\", or name a column with unique");
    EXPECT_EQ(error_in("table = \"t\"\nunique = \"b\"\ncolumns = { a = \"x\" }\n"),
              "h.toml:7: [[feed]] unique is \"b\", which is none of the columns");
}

TEST(FeedTable, IsPartOfTheSummary) {
    const Config config = parse_config(std::string(kDatabase) + kWhole, "h.toml", "");
    EXPECT_THAT(summary_of(config.feeds[0]), HasSubstr(", inserted into t"));
    EXPECT_THAT(summary_of(config.feeds[0]), Not(HasSubstr("history")));
    const Config history =
        parse_config(std::string(kDatabase) + kWhole + "history = \"postgres\"\n", "h.toml", "");
    EXPECT_THAT(summary_of(history.feeds[0]),
                HasSubstr(", inserted into t, which answers its history"));
}

// -- history

constexpr const char* kHistory = "table = \"t\"\nhistory = \"postgres\"\nunique = \"id\"\n";

TEST(HistoryConfig, IsTheIndexsUnlessItIsSaidOtherwise) {
    const std::string columns = "columns = { id = \"$id\" }\ntable = \"t\"\n";
    EXPECT_FALSE(table(columns).history);
    EXPECT_FALSE(table(columns + "history = \"index\"\n").history);
    EXPECT_EQ(error_in(columns + "history = \"postgresql\"\n"),
              "h.toml:8: [[feed]] history is \"postgresql\"; expected \"index\" or \"postgres\"");
}

TEST(HistoryConfig, FindsItsColumnsByWhatTheyHave) {
    const auto history = table(kHistory + std::string("event = \"type\"\nposition = \"nr\"\n"
                                                      "columns = { id = \"$id\", c = \"$channel\","
                                                      " e = \"$event\", t = \"$time\","
                                                      " d = \"$data\", b = \"$data\" }\n"))
                             .history.value();
    EXPECT_EQ(history.position, "nr");
    EXPECT_EQ(history.channel, "c");
    EXPECT_EQ(history.event, "e");
    EXPECT_EQ(history.time, "t");
    EXPECT_THAT(history.data, ElementsAre("b", "d"));
}

TEST(HistoryConfig, AddsItsColumnsToTheDefaultOnes) {
    const auto map = table("table = \"t\"\nhistory = \"postgres\"\ndedupe = \"event_id\"\n");
    EXPECT_EQ(map.unique, "event_id");
    EXPECT_EQ(map.history->position, "position");
    EXPECT_EQ(map.history->channel, "channel");
    EXPECT_EQ(map.history->time, "time");
    EXPECT_THAT(map.history->data, ElementsAre("data"));
}

TEST(HistoryConfig, SaysWhichColumnsAreMissing) {
    EXPECT_EQ(error_in(kHistory + std::string("event = \"type\"\ncolumns = { id = \"$id\" }\n")),
              "h.toml:10: [[feed]] columns lacks what history = \"postgres\" answers from; add "
              "channel = \"$channel\", event = \"$event\", data = \"$data\", time = \"$time\"");
    EXPECT_EQ(error_in(kHistory + std::string("columns = { id = \"$id\", c = \"$channel\", d = "
                                              "\"$data\" }\n")),
              "h.toml:9: [[feed]] columns lacks what history = \"postgres\" answers from; add time "
              "= \"$time\"");
}

TEST(HistoryConfig, NeedsATable) {
    EXPECT_THAT(
        errors(std::string(kFeed) + "history = \"postgres\"\n"),
        ElementsAre(
            "h.toml:4: [[feed]] history is \"postgres\", which has no table to answer from; add "
            "one, such as table = \"enrichment_events\""));
}

TEST(HistoryConfig, LeavesThePositionToTheDatabase) {
    const std::string columns =
        "columns = { id = \"$id\", c = \"$channel\", d = \"$data\", t = "
        "\"$time\", position = \"$seq\" }\n";
    EXPECT_THAT(error_in(kHistory + columns),
                HasSubstr("columns \"position\" is where the database itself counts the rows"));
    EXPECT_EQ(table(kHistory + columns + "position = \"nr\"\n").history->position, "nr");
    EXPECT_THAT(error_in(kHistory + columns + "position = \"\"\n"),
                HasSubstr("h.toml:10: [[feed]] position \"\" is no name that PostgreSQL has"));
    EXPECT_EQ(error_in("table = \"t\"\ncolumns = { id = \"$id\" }\nposition = \"nr\"\n"),
              "h.toml:8: [[feed]] position has no effect without history = \"postgres\"");
}

}  // namespace
}  // namespace herald::sidecar
