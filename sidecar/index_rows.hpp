// An event's two rows on their way into the index: they wait for company, because sixteen rows in
// one statement cost SQLite a quarter less than each in one of its own.
//
// What waits is in no table yet: whoever reads events or entries calls `insert` before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/sqlite.hpp"

namespace herald::sidecar {

class IndexRows {
  public:
    // What the columns of `events` and `entries` are made of.
    struct Row {
        uint64_t seq = 0;
        int64_t channel = 0;
        uint64_t at_ms = 0;
        int64_t time_us = 0;
        int64_t late_us = 0;
        int64_t flags = 0;
    };

    // `database` outlives it, and has the tables.
    explicit IndexRows(sqlite::Database& database) : database_(database) {}

    // Takes copies. Inserts what waits when it is enough.
    void add(const Row& row, std::string_view event, std::string_view data);

    // Inserts all that waits. After an exception some of it is in: the transaction is of no use.
    void insert();

  private:
    static constexpr size_t kTogether = 16;        // rows of one statement
    static constexpr size_t kMostBytes = 1 << 18;  // of texts, that wait

    struct Waiting {
        Row row;
        size_t event_size;  // bytes
        size_t data_size;
    };

    void insert(sqlite::Statement& events, sqlite::Statement& entries, size_t first, size_t count,
                size_t& text);
    static std::string statement(std::string_view table, size_t rows);

    sqlite::Database& database_;
    std::vector<Waiting> waiting_{};
    std::string texts_{};  // of each in turn: event, data

    sqlite::Statement event_{database_, statement("events", 1)};
    sqlite::Statement entry_{database_, statement("entries", 1)};
    sqlite::Statement events_{database_, statement("events", kTogether)};
    sqlite::Statement entries_{database_, statement("entries", kTogether)};
};

}  // namespace herald::sidecar
