// What a feed puts into which columns of which table: `table`, `columns` and `unique` of a
// [[feed]].
//
// A value comes from the event by a path of members (`state.status`), or from around it:
//
//   $id $seq $channel $event $at $data     as in a line of the journal
//   $time                                  when it happened, as `since` of herald_history sees it
//   ${bom_id}                              a part of the channel
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar::postgres {

// Where a column's value comes from.
struct Source {
    enum class Kind { Member, Id, Seq, Channel, Event, At, Time, Data, Part };

    Kind kind = Kind::Member;
    std::vector<std::string> path{};  // Member: the names, from the top
    size_t part = 0;                  // Part: which of the channel's
};

// Throws std::invalid_argument, whose text says what is wrong and what would be right.
// `part_names`: of the feed's channels.
Source parse_source(std::string_view text, std::span<const std::string> part_names);

struct Column {
    std::string name{};
    Source source{};
};

// The columns by which the table answers history, each the one that has what it is named after.
struct HistoryColumns {
    std::string position{};  // none of the map's: the database counts rows there
    std::string channel{};
    std::string event{};  // empty: the feed's events have no names
    std::string time{};
    std::vector<std::string> data{};  // the first one that keeps its bytes is the one
};

struct TableMap {
    std::vector<std::string> name{};          // of the table: one, or schema and table
    std::vector<Column> columns{};            // at least one
    std::string unique{};                     // the column by which repeats are told
    std::optional<HistoryColumns> history{};  // absent: it is the index that answers history
};

// "enrichment_events", "app.events": one or two identifiers of 1 to 63 bytes. Throws
// std::invalid_argument.
std::vector<std::string> parse_table_name(std::string_view text);

// Throws std::invalid_argument where it is none: 1 to 63 bytes without control characters.
void require_identifier(std::string_view name);

// The table's name as it is configured.
std::string text_of(const TableMap& table);

// The name as it stands in SQL: each part in double quotes, so that any byte is just a name's.
std::string quote_identifier(std::string_view name);
std::string quote_name(std::span<const std::string> name);

// Members of the producer that the enrichment events come from, each to the column of its name.
std::vector<Column> default_columns();

// What those lack for answering history: a column each for what it needs, `channel` to `time`.
std::vector<Column> default_history_columns();

// What history needs, of the map's columns; `named`: the feed's events have names. Throws
// std::invalid_argument, whose text says what is missing and what would be right.
HistoryColumns find_history_columns(std::span<const Column> columns, std::string position,
                                    bool named);

// The default of `unique`: the column that has `dedupe` (a member's name; may be empty), else the
// one that has $id. Empty where there is neither.
std::string unique_column(std::span<const Column> columns, std::string_view dedupe);

}  // namespace herald::sidecar::postgres
