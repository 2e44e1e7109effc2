// The tables are described in docs/formats.md, "The index". A change to them is a new kVersion.
#include "sidecar/index_database.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr int64_t kVersion = 1;

constexpr char kTables[] = R"(
    BEGIN;
    CREATE TABLE meta (
        key   TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE channels (
        id           INTEGER PRIMARY KEY,
        name         TEXT NOT NULL UNIQUE,
        pruned_seq   INTEGER NOT NULL DEFAULT 0,
        pruned_flags INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE entries (
        channel INTEGER NOT NULL,
        seq     INTEGER NOT NULL,
        time_us INTEGER NOT NULL,
        late_us INTEGER NOT NULL,
        flags   INTEGER NOT NULL,
        PRIMARY KEY (channel, seq)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        seq     INTEGER PRIMARY KEY,
        channel INTEGER NOT NULL,
        at_ms   INTEGER NOT NULL,
        event   TEXT NOT NULL,
        data    TEXT NOT NULL
    );
    CREATE TABLE notices (
        seq      INTEGER PRIMARY KEY,
        kind     INTEGER NOT NULL,
        from_seq INTEGER NOT NULL,
        at_ms    INTEGER NOT NULL
    );
    INSERT INTO meta VALUES ('applied_seq', 0), ('floor_seq', 0);
    PRAGMA user_version = 1;
    COMMIT;
)";

// What SQLite keeps beside a database.
constexpr const char* kParts[] = {"", "-wal", "-shm"};

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void delete_database(const std::string& path) {
    for (const char* part : kParts) {
        if (std::remove((path + part).c_str()) != 0 && errno != ENOENT)
            fail("delete " + path + part);
    }
}

void rename_database(const std::string& path, const std::string& to) {
    delete_database(to);
    for (const char* part : kParts) {
        if (std::rename((path + part).c_str(), (to + part).c_str()) != 0 && errno != ENOENT)
            fail("rename " + path + part + " to " + to + part);
    }
}

void set_aside(const std::string& path, const char* why) {
    if (access(path.c_str(), F_OK) != 0)
        return;
    const std::string broken = path + ".broken";
    rename_database(path, broken);
    log::error(log::Line("index is damaged, building it anew from the journal")
                   .with("error", why)
                   .with("set_aside", broken));
}

// Durable at each of SQLite's own checkpoints, consistent always: what a power failure takes, the
// journal gives again.
void configure(sqlite::Database& database) {
    database.execute("PRAGMA page_size = 8192");
    database.execute("PRAGMA busy_timeout = 5000");
    if (const std::string mode = database.text_of("PRAGMA journal_mode = WAL"); mode != "wal")
        throw sqlite::Error(SQLITE_CANTOPEN,
                            "index: the state directory's file system has no "
                            "shared memory, which SQLite's WAL needs");
    database.execute("PRAGMA synchronous = NORMAL");
    database.execute("PRAGMA cache_size = -49152");            // KiB
    database.execute("PRAGMA wal_autocheckpoint = 4096");      // pages: 32 MB
    database.execute("PRAGMA journal_size_limit = 67108864");  // bytes of WAL that stay
    database.execute("PRAGMA secure_delete = OFF");
}

// The database as it is, with its tables; `version` says whether they are of this version.
sqlite::Database open_as_it_is(const std::string& path, int64_t& version) {
    sqlite::Database database(path);
    version = database.integer_of("PRAGMA user_version");
    const bool empty = database.integer_of("SELECT count(*) FROM sqlite_schema") == 0;
    if (version != kVersion && !empty)
        return database;

    configure(database);
    if (empty)
        database.execute(kTables);
    version = kVersion;
    if (database.integer_of(
            "SELECT count(*) FROM meta WHERE key IN ('applied_seq', 'floor_seq')") != 2)
        throw sqlite::Error(SQLITE_CORRUPT, path + ": it has no checkpoint");
    if (database.integer_of("SELECT max(seq) FROM events") >
        database.integer_of("SELECT value FROM meta WHERE key = 'applied_seq'"))
        throw sqlite::Error(SQLITE_CORRUPT, path + ": it has events behind its checkpoint");
    return database;
}

}  // namespace

sqlite::Database open_index_database(const std::string& path, bool damaged) {
    if (damaged)
        set_aside(path, "found while it was in use");

    int64_t version = 0;
    try {
        sqlite::Database database = open_as_it_is(path, version);
        if (version == kVersion)
            return database;
    } catch (const sqlite::Error& error) {
        if (!error.is_damage())
            throw;
        set_aside(path, error.what());
        return open_as_it_is(path, version);
    }

    delete_database(path);
    log::info(log::Line("index is of another version, building it anew from the journal")
                  .with("version", version)
                  .with("expected", kVersion));
    return open_as_it_is(path, version);
}

void set_index_aside(const std::string& path) {
    rename_database(path, path + ".old");
}

}  // namespace herald::sidecar
