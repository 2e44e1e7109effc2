// Makes of an event the row that its feed's table gets: a JSON object with a member for each
// column, values as they stand in the event. PostgreSQL turns them into the columns' types itself
// (json_populate_recordset), so that a row is what the same object is to Supabase's own API.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/journal_entry.hpp"
#include "sidecar/json_paths.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::sidecar::postgres {

class RowBuilder {
  public:
    // `feed` has a table, and outlives the builder.
    explicit RowBuilder(const Feed& feed);

    // The column gets the event as a string of JSON from now on: the same bytes, which no reader
    // of JSON takes to pieces.
    void keep_bytes_of(std::string_view column);

    // Appends the row. False, and nothing is appended, where the entry is none of the feed's
    // events. What an event has not is left out, which makes it NULL.
    bool append_row(std::string& out, const JournalEntry& entry);

  private:
    struct Cell {
        std::string key{};  // `"name":`
        const Source* source = nullptr;
        size_t place = 0;          // among the paths
        bool keeps_bytes = false;  // of Data
    };

    void append_value(std::string& out, const Cell& cell, const JournalEntry& entry);

    const Feed& feed_;
    std::vector<Cell> cells_{};
    JsonScanner scanner_{};
    JsonPaths paths_{};
    bool has_parts_ = false;
    std::vector<std::string_view> parts_{};  // used again
};

}  // namespace herald::sidecar::postgres
