// What a table has to be like to take a feed's rows, and the statement that inserts them. Looked at
// whenever its projection opens; what does not fit is said with what would put it right.
#pragma once

#include <string>

#include "sidecar/postgres/database.hpp"
#include "sidecar/postgres/history_schema.hpp"
#include "sidecar/postgres/table_map.hpp"

namespace herald::sidecar::postgres {

// Throws Error, and std::runtime_error where a column is missing, or one gets no value that wants
// one.
void check_columns(Connection& connection, const TableMap& map);

// Throws Error, and std::runtime_error where nothing tells repeats.
void check_unique(Connection& connection, const TableMap& map);

// Inserts the rows of a JSON array, $1, but repeats. With a schema its result is one row: how many
// were inserted, their lowest and their highest position.
std::string insert_statement(const TableMap& map, const HistorySchema* history);

}  // namespace herald::sidecar::postgres
