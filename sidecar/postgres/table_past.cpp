#include "sidecar/postgres/table_past.hpp"

#include <random>

namespace herald::sidecar::postgres {

namespace {

// The first key of the lock, so that it is nobody else's: "Hrld".
constexpr std::string_view kLockClass = "1215458404";

// The table's name, the same for all nodes whatever they call it.
constexpr std::string_view kRelation =
    "(SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1))";

uint32_t random_log() {
    std::random_device random;
    for (;;) {
        if (const auto log = static_cast<uint32_t>(random()))
            return log;
    }
}

}  // namespace

std::string lock_of(std::string_view table) {
    std::string sql = "pg_advisory_xact_lock(";
    return sql.append(kLockClass).append(", to_regclass(").append(table).append(")::oid::int)");
}

std::string lock_of_checkpoints() {
    std::string sql = "pg_advisory_xact_lock(";
    return sql.append(kLockClass).append(", 0)");
}

void TablePast::make(Connection& connection) const {
    put(connection, "log", random_log(), false);
    put(connection, "position", 0, false);
}

void TablePast::put(Connection& connection, std::string_view what, uint64_t number,
                    bool anew) const {
    const std::string values[] = {table_, std::string(what), std::to_string(number)};
    connection.execute("INSERT INTO " + checkpoints_ + " (log, feed, relation, seq) SELECT" +
                           " 'history', $2, " + std::string(kRelation) +
                           ", $3::bigint ON CONFLICT (log, feed, relation) DO " +
                           (anew ? "UPDATE SET seq = excluded.seq" : "NOTHING"),
                       values);
}

std::optional<TablePast::Place> TablePast::find(Connection& connection) const {
    const std::string values[] = {table_};
    const Result found = connection.execute("SELECT feed, seq FROM " + checkpoints_ +
                                                " WHERE log = 'history' AND feed IN ('log',"
                                                " 'position') AND relation = " +
                                                std::string(kRelation),
                                            values);
    Place place;
    for (const auto& row : found.rows) {
        if (row[0] == "log")
            place.log = static_cast<uint32_t>(number_of(row[1]));
        else
            place.position = number_of(row[1]);
    }
    return place.log == 0 ? std::nullopt : std::optional(place);
}

bool TablePast::advance(Connection& connection, uint64_t first, uint64_t last) const {
    const std::string values[] = {table_, std::to_string(first), std::to_string(last)};
    const Result moved = connection.execute(
        "UPDATE " + checkpoints_ +
            " SET seq = $3::bigint WHERE log = 'history' AND feed = 'position' AND relation = " +
            std::string(kRelation) + " AND seq < $2::bigint",
        values);
    if (moved.affected == 1)
        return true;
    put(connection, "log", random_log(), true);
    put(connection, "position", last, true);
    return false;
}

}  // namespace herald::sidecar::postgres
