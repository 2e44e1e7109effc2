#include "sidecar/postgres/table_schema.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace herald::sidecar::postgres {

namespace {

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "\"" : ", \"") + name + "\"";
    return text;
}

}  // namespace

void check_columns(Connection& connection, const TableMap& map) {
    const std::string name[] = {quote_name(map.name)};
    const Result found = connection.execute(
        "SELECT attname, attnotnull AND NOT atthasdef AND attidentity = ''"
        " FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        name);
    const std::string table = text_of(map);
    if (found.rows.empty())
        throw std::runtime_error("there is no table " + table);

    std::vector<std::string> missing;
    for (const Column& column : map.columns) {
        if (std::ranges::none_of(found.rows,
                                 [&](const auto& row) { return row[0] == column.name; }))
            missing.push_back(column.name);
    }
    if (!missing.empty())
        throw std::runtime_error(
            "table " + table + " lacks " + (missing.size() == 1 ? "the column " : "the columns ") +
            joined(missing) + "; add what is missing, or take it out of the feed's columns");

    std::vector<std::string> unmapped;
    for (const auto& row : found.rows) {
        if (row[1] == "t" && std::ranges::none_of(map.columns, [&](const Column& column) {
                return row[0] == column.name;
            }))
            unmapped.push_back(row[0].value_or(""));
    }
    if (!unmapped.empty())
        throw std::runtime_error("table " + table + " wants a value (NOT NULL, no default) in " +
                                 joined(unmapped) + ", which the feed's columns do not give");
}

// Tables alone: a view has no index of its own, and says so when it cannot do without.
void check_unique(Connection& connection, const TableMap& map) {
    const std::string values[] = {quote_name(map.name), map.unique};
    const Result found = connection.execute(
        "SELECT 1 FROM pg_class c WHERE c.oid = to_regclass($1) AND (c.relkind NOT IN ('r', 'p') OR"
        " EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND"
        " a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND"
        " i.indimmediate AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indexprs IS NULL AND"
        " a.attname = $2))",
        values);
    if (found.rows.empty())
        throw std::runtime_error(
            "table " + text_of(map) + " has no unique constraint on the column \"" + map.unique +
            "\" alone, by which repeats are told; add UNIQUE (" + quote_identifier(map.unique) +
            "), or name another column with unique");
}

// The event's bytes come as a string of JSON (RowBuilder::keep_bytes_of): text takes it as it is, a
// column of type json has to be given what is in it.
std::string insert_statement(const TableMap& map, const HistorySchema* history) {
    std::string columns;
    std::string values;
    for (const Column& column : map.columns) {
        const std::string name = quote_identifier(column.name);
        const bool is_json =
            history != nullptr && history->data_is_json && column.name == history->data;
        columns += (columns.empty() ? "" : ", ") + name;
        values += (values.empty() ? "" : ", ") + (is_json ? "(" + name + " #>> '{}')::json" : name);
    }
    const std::string table = quote_name(map.name);
    const std::string insert = "INSERT INTO " + table + " (" + columns + ") SELECT " + values +
                               " FROM json_populate_recordset(NULL::" + table +
                               ", $1) ON CONFLICT (" + quote_identifier(map.unique) +
                               ") DO NOTHING";
    if (history == nullptr)
        return insert;
    const std::string position = quote_identifier(map.history->position);
    return "WITH inserted AS (" + insert + " RETURNING " + position + " AS p) SELECT count(*)," +
           " min(p), max(p) FROM inserted";
}

}  // namespace herald::sidecar::postgres
