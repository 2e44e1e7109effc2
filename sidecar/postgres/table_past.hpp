// The past that a table's rows are: its log, of which all nodes make ids, and its order.
//
// Both are rows of the table of checkpoints, next to those of the projections:
//
//   log 'history', feed 'log',      relation 'public.t':  seq is the number that is the log's name
//   log 'history', feed 'position', relation 'public.t':  seq is the highest position committed
//
// A row's position is taken when it is inserted, and counts when it is committed. So whoever
// inserts has the table's advisory lock from before the first insert to the end of its transaction:
// then positions become visible in their order, and who has read up to one misses none before it.
//
// Where positions go back (the table was emptied, made anew, or its sequence set), what clients
// have are ids of another past, and the log gets another name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/postgres/database.hpp"

namespace herald::sidecar::postgres {

// The advisory lock, as SQL; `table` stands for the table's name, quoted, as text.
std::string lock_of(std::string_view table);
// That of the table of checkpoints, for making it.
std::string lock_of_checkpoints();

class TablePast {
  public:
    // Both quoted.
    TablePast(std::string table, std::string checkpoints)
        : table_(std::move(table)), checkpoints_(std::move(checkpoints)) {}

    // Gives the past its log where it has none. In a transaction, as are the others.
    void make(Connection& connection) const;

    struct Place {
        uint32_t log = 0;
        uint64_t position = 0;  // the highest that was committed by one of us
    };
    // Nothing: the past has no log yet.
    std::optional<Place> find(Connection& connection) const;

    // Rows from `first` to `last` were inserted, with the lock. False: the log is another one now.
    bool advance(Connection& connection, uint64_t first, uint64_t last) const;

  private:
    void put(Connection& connection, std::string_view what, uint64_t number, bool anew) const;

    std::string table_;
    std::string checkpoints_;
};

}  // namespace herald::sidecar::postgres
