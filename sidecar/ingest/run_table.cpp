// Removed runs stay as rows without a text for as long as the journal might lose their removal.
#include "sidecar/ingest/run_table.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>
#include <utility>
#include <vector>

#include "ring/timestamp.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr int64_t kVersion = 1;
constexpr uint64_t kSettledMs = 120'000;  // then the kernel has written the journal by itself

constexpr char kTables[] = R"(
    BEGIN;
    CREATE TABLE meta (
        key   TEXT PRIMARY KEY,
        value
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        id         TEXT PRIMARY KEY,
        first_seq  INTEGER NOT NULL,
        seq        INTEGER NOT NULL,
        started_us INTEGER NOT NULL,
        run        TEXT
    ) WITHOUT ROWID;
    INSERT INTO meta VALUES ('applied_seq', 0), ('log', 0), ('channel', '');
    PRAGMA user_version = 1;
    COMMIT;
)";

void delete_database(const std::string& path) {
    for (const char* part : {"", "-wal", "-shm"})
        std::remove((path + part).c_str());
}

sqlite::Database open_database(const std::string& path) {
    const auto open = [&] {
        sqlite::Database database(path);
        database.execute("PRAGMA journal_mode = WAL");
        database.execute("PRAGMA synchronous = NORMAL");
        database.execute("PRAGMA journal_size_limit = 4194304");
        if (database.integer_of("SELECT count(*) FROM sqlite_schema") == 0)
            database.execute(kTables);
        if (database.integer_of("PRAGMA user_version") != kVersion)
            throw sqlite::Error(SQLITE_CORRUPT, path + ": it is of another version");
        return database;
    };
    try {
        return open();
    } catch (const sqlite::Error& error) {
        if (!error.is_damage())
            throw;
        log::error(log::Line("ingest's table is damaged, building it anew from the journal")
                       .with("error", error.what()));
    }
    delete_database(path);
    return open();
}

}  // namespace

struct RunTable::Store {
    explicit Store(const std::string& path) : database(open_database(path)) {}

    uint64_t number(std::string_view key) {
        sqlite::Query row(get_meta, key);
        return row.next() ? row.seq(0) : 0;
    }
    std::string text(std::string_view key) {
        sqlite::Query row(get_meta, key);
        return row.next() ? std::string(row.text(0)) : std::string();
    }
    void begin_writing() {
        if (!std::exchange(writing, true))
            sqlite::run(begin);
    }
    void keep() {
        begin_writing();
        sqlite::run(set_meta, std::string_view("applied_seq"), applied_seq);
        sqlite::run(end);
        writing = false;
        kept_seq = applied_seq;
    }
    // Nothing is known any more.
    void clear(uint64_t log, uint64_t seq) {
        begin_writing();
        sqlite::run(clear_runs);
        sqlite::run(set_meta, std::string_view("log"), log);
        log_now = log;
        applied_seq = seq;
    }

    sqlite::Database database;
    sqlite::Statement begin{database, "BEGIN IMMEDIATE"};
    sqlite::Statement end{database, "COMMIT"};
    sqlite::Statement get_meta{database, "SELECT value FROM meta WHERE key = ?"};
    sqlite::Statement set_meta{database, "INSERT OR REPLACE INTO meta VALUES (?, ?)"};
    sqlite::Statement clear_runs{database, "DELETE FROM runs"};
    sqlite::Statement put_run{
        database,
        "INSERT INTO runs VALUES (?1, ?2, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET "
        "first_seq = iif(run IS NULL, excluded.first_seq, first_seq), seq = excluded.seq, "
        "started_us = excluded.started_us, run = excluded.run"};
    sqlite::Statement remove_run{database, "UPDATE runs SET run = NULL, seq = ? WHERE id = ?"};
    sqlite::Statement forget_removed{database, "DELETE FROM runs WHERE run IS NULL AND seq <= ?"};
    sqlite::Statement forget_from{database, "DELETE FROM runs WHERE first_seq > ?"};
    sqlite::Statement doubt_from{database, "UPDATE runs SET run = '' WHERE seq > ?"};
    sqlite::Statement get_runs{
        database, "SELECT id, started_us, run FROM runs WHERE run IS NOT NULL ORDER BY first_seq"};

    uint64_t applied_seq = 0;
    uint64_t kept_seq = 0;  // in the file
    uint64_t log_now = 0;
    uint64_t settled_seq = 0;  // removals up to here can be forgotten ...
    uint64_t settled_ms = 0;   // ... a while behind this moment
    bool writing = false;      // a transaction is open
};

RunTable::RunTable(std::string path, std::string channel, std::function<uint64_t()> journal_end)
    : path_(std::move(path)), channel_(std::move(channel)), journal_end_(std::move(journal_end)) {}

RunTable::~RunTable() = default;

RunTable::Store& RunTable::store() {
    if (!store_)
        throw std::runtime_error("the table of runs is not open");
    return *store_;
}

// Does something with the store; closes it where that fails, so that nothing half done can be
// committed.
template <class Work>
auto RunTable::guarded(Work&& work) {
    try {
        return work(store());
    } catch (...) {
        store_.reset();
        throw;
    }
}

uint64_t RunTable::open() {
    store_.reset();
    store_ = std::make_unique<Store>(path_);
    return guarded([&](Store& table) {
        table.applied_seq = table.number("applied_seq");
        table.settled_seq = table.kept_seq = table.applied_seq;
        table.log_now = table.number("log");
        const bool is_other = table.text("channel") != channel_;
        if (is_other || table.applied_seq > journal_end_()) {
            table.clear(0, 0);
            sqlite::run(table.set_meta, std::string_view("channel"), std::string_view(channel_));
            table.keep();
        }
        return table.applied_seq;
    });
}

void RunTable::apply(const JournalEntry& entry) {
    guarded([&](Store& table) {
        if (entry.id.log != table.log_now)
            table.clear(entry.id.log, table.applied_seq);
        if (entry.kind == ring::Kind::Gap) {
            table.begin_writing();
            sqlite::run(table.forget_from, entry.from_seq);
            sqlite::run(table.doubt_from, entry.from_seq);
        } else if (entry.kind == ring::Kind::Event && entry.channel == channel_) {
            apply_event(entry);
        }
        table.applied_seq = entry.id.seq;
    });
}

// What does not look like an event about a run is none.
void RunTable::apply_event(const JournalEntry& entry) {
    constexpr std::array<std::string_view, 2> kEvent = {"event", "run"};
    constexpr std::array<std::string_view, 2> kRun = {"id", "started_at"};
    if (!scanner_.scan(entry.data, kEvent) || scanner_.member(0) != Member::String ||
        scanner_.member(1) != Member::Other)
        return;
    const std::string_view event = scanner_.raw(0);
    const std::string_view run = scanner_.raw(1);
    if (!scanner_.scan(run, kRun) || scanner_.member(0) != Member::String)
        return;
    id_.clear();
    if (!unescape_json(scanner_.raw(0), id_))
        return;

    Store& table = store();
    table.begin_writing();
    if (event == "run.removed") {
        sqlite::run(table.remove_run, entry.id.seq, std::string_view(id_));
    } else if (event == "run.created" || event == "run.updated") {
        const auto started =
            scanner_.member(1) == Member::String ? ring::parse_time(scanner_.raw(1)) : std::nullopt;
        sqlite::run(table.put_run, std::string_view(id_), entry.id.seq, started.value_or(INT64_MIN),
                    run);
    }
}

void RunTable::skip(uint64_t, uint64_t to_seq) {
    guarded([&](Store& table) { table.applied_seq = to_seq; });
}

// Entries that are about no run need not be kept: to see them again, or never, is the same.
void RunTable::commit() {
    guarded([&](Store& table) {
        if (table.writing)
            table.keep();
    });
}

void RunTable::tend(uint64_t now_ms) {
    guarded([&](Store& table) {
        if (now_ms - table.settled_ms >= kSettledMs) {
            table.settled_ms = now_ms;
            table.begin_writing();
            sqlite::run(table.forget_removed, table.settled_seq);
            table.settled_seq = table.applied_seq;
        }
        if (table.kept_seq != table.applied_seq)
            table.keep();
        else
            commit();
    });
}

std::shared_ptr<const RunSnapshot> RunTable::runs() {
    return guarded([&](Store& table) {
        std::vector<RunPtr> runs;
        sqlite::Query row(table.get_runs);
        while (row.next())
            runs.push_back(std::make_shared<const IngestRun>(
                IngestRun{std::string(row.text(0)), row.integer(1), std::string(row.text(2))}));
        return std::make_shared<const RunSnapshot>(std::move(runs));
    });
}

}  // namespace herald::sidecar
