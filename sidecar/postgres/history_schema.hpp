// What a table has to be like to answer history (docs/operations.md, One past for several nodes):
// looked at whenever its projection opens, and said with the statement that would put it right.
#pragma once

#include <string>

#include "sidecar/postgres/database.hpp"
#include "sidecar/postgres/table_map.hpp"

namespace herald::sidecar::postgres {

struct HistorySchema {
    std::string data{};         // the column that keeps an event's bytes
    bool data_is_json = false;  // else it is text
    bool has_index = false;     // on channel and position, in this order
};

// `table.history` is there. Throws Error, and std::runtime_error where the table does not fit.
HistorySchema check_history(Connection& connection, const TableMap& table);

}  // namespace herald::sidecar::postgres
