#include "sidecar/config_postgres.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

namespace herald::sidecar {

using postgres::Column;
using postgres::TableMap;

namespace {

constexpr int64_t kMaxBatch = 20'000;  // rows; no more are gathered

void read_batch(TableReader& table, postgres::PostgresConfig& config) {
    const auto batch = table.integer("batch");
    if (!batch)
        return;
    if (*batch < 1 || *batch > kMaxBatch)
        table.refuse("batch", "is " + std::to_string(*batch) + "; expected 1 to " +
                                  std::to_string(kMaxBatch) + " rows");
    else
        config.batch = static_cast<uint32_t>(*batch);
}

void read_timeout(TableReader& table, const std::string& key, uint64_t& timeout_ms) {
    const toml::value* value = table.find(key);
    if (value == nullptr)
        return;
    const auto ms = value->is_string() ? parse_duration(value->as_string().str) : std::nullopt;
    if (!ms || *ms > 3'600'000)
        table.refuse(
            key, "is " +
                     (value->is_string() ? "\"" + value->as_string().str + "\"" : kind_of(*value)) +
                     "; expected a time of \"1s\" to \"1h\", such as \"30s\"");
    else
        timeout_ms = *ms;
}

void read_table_name(TableReader& table, const std::string& key, std::vector<std::string>& name) {
    const auto text = table.string(key);
    if (!text)
        return;
    try {
        name = postgres::parse_table_name(*text);
    } catch (const std::invalid_argument& error) {
        table.refuse(key, error.what());
    }
}

void read_columns(const toml::value& columns, const std::vector<std::string>* part_names,
                  TableMap& map, Problems& problems) {
    for (const auto& [name, source] : columns.as_table()) {
        const std::string what = "[[feed]] columns of \"" + name + "\" ";
        if (!source.is_string()) {
            problems.add(line_of(source), what + "is " + kind_of(source) +
                                              "; expected a string in quotes, such as "
                                              "\"state.status\" or \"$id\"");
            continue;
        }
        try {
            postgres::require_identifier(name);
        } catch (const std::invalid_argument& error) {
            problems.add(line_of(source), std::string("[[feed]] columns: ") + error.what());
            continue;
        }
        const std::string& text = source.as_string().str;
        if (part_names == nullptr)
            continue;
        try {
            map.columns.push_back({name, postgres::parse_source(text, *part_names)});
        } catch (const std::invalid_argument& error) {
            problems.add(line_of(source), what + error.what());
        }
    }
    std::ranges::sort(map.columns, {}, &Column::name);  // toml11 keeps no order
}

// Whether the table is to answer history.
bool read_history(TableReader& table) {
    const auto history = table.string("history");
    const bool wanted = history == "postgres";
    if (history && !wanted && *history != "index")
        table.refuse("history", "is \"" + *history + "\"; expected \"index\" or \"postgres\"");
    if (!wanted && table.find("position") != nullptr)
        table.refuse("position", "has no effect without history = \"postgres\"");
    return wanted;
}

void read_history_columns(TableReader& table, const Feed& feed, TableMap& map) {
    const std::string position = table.string("position").value_or("position");
    try {
        postgres::require_identifier(position);
    } catch (const std::invalid_argument& error) {
        return table.refuse("position", error.what());
    }
    const bool has_columns = table.find("columns") != nullptr;
    if (std::ranges::any_of(map.columns,
                            [&](const Column& column) { return column.name == position; }))
        return table.refuse(table.find("position") != nullptr ? "position" : "columns",
                            "\"" + position +
                                "\" is where the database itself counts the rows, so the columns "
                                "cannot fill it; name another column with position");
    try {
        map.history = postgres::find_history_columns(map.columns, position, !feed.event.empty());
    } catch (const std::invalid_argument& error) {
        table.refuse(has_columns ? "columns" : "table", error.what());
    }
}

void read_unique(TableReader& table, const Feed& feed, TableMap& map) {
    const auto unique = table.string("unique");
    map.unique = unique ? *unique : postgres::unique_column(map.columns, feed.dedupe);
    const bool known = std::ranges::any_of(
        map.columns, [&](const Column& column) { return column.name == map.unique; });
    if (unique && !known)
        table.refuse("unique", "is \"" + *unique + "\", which is none of the columns");
    else if (!unique && map.unique.empty())
        table.refuse(table.find("columns") != nullptr ? "columns" : "table",
                     "has nothing by which repeats are told; give the member of dedupe a column, "
                     "or $id, as in herald_id = \"$id\", or name a column with unique");
}

}  // namespace

void read_postgres(const toml::value* value, postgres::PostgresConfig& config, Problems& problems) {
    TableReader table(value, "[postgres]", problems);
    if (const auto url = table.string("url")) {
        try {
            postgres::read_url(*url);
            config.url = *url;
        } catch (const std::invalid_argument& error) {
            table.refuse("url", error.what());
        }
    } else if (value != nullptr && table.find("url") == nullptr) {
        problems.add(line_of(*value),
                     "[postgres] has no url; say where the database is, such as "
                     "url = \"env:DATABASE_URL\"");
    }
    read_batch(table, config);
    read_timeout(table, "connect_timeout", config.connect_timeout_ms);
    read_timeout(table, "statement_timeout", config.statement_timeout_ms);
    read_table_name(table, "checkpoints", config.checkpoints);
    table.finish();
}

void read_table(TableReader& feed_table, const std::vector<std::string>* part_names, Feed& feed,
                Problems& problems) {
    TableMap map;
    const bool has_table = feed_table.find("table") != nullptr;
    read_table_name(feed_table, "table", map.name);
    const toml::value* columns = feed_table.table("columns");
    const bool has_history = read_history(feed_table);
    if (!has_table) {
        if (has_history)
            feed_table.refuse("history",
                              "is \"postgres\", which has no table to answer from; add one, such "
                              "as table = \"enrichment_events\"");
        for (const char* key : {"columns", "unique"}) {
            if (feed_table.find(key) != nullptr)
                feed_table.refuse(key, "has no effect without table; say which table is meant");
        }
        return;
    }

    for (const char* key : {"unique", "position"})
        feed_table.find(key);  // is known, also where nobody can judge it
    const bool has_columns = feed_table.find("columns") != nullptr;
    if (!has_columns) {
        map.columns = postgres::default_columns();
        if (has_history)
            std::ranges::copy(postgres::default_history_columns(), std::back_inserter(map.columns));
    } else if (columns != nullptr && columns->as_table().empty())
        return feed_table.refuse("columns", "is empty; map at least one, or leave the key out");
    else if (columns != nullptr) {
        read_columns(*columns, part_names, map, problems);
    }
    const size_t wanted = columns == nullptr ? map.columns.size() : columns->as_table().size();
    if (map.columns.empty() || map.columns.size() != wanted)
        return;
    read_unique(feed_table, feed, map);
    if (has_history)
        read_history_columns(feed_table, feed, map);
    if (!map.name.empty())
        feed.table = std::move(map);
}

void compare_with_feeds(const toml::value* value, const toml::value* feed_tables,
                        Problems& problems) {
    const toml::value* first = nullptr;
    if (feed_tables != nullptr && feed_tables->is_array()) {
        for (const toml::value& feed : feed_tables->as_array()) {
            if (first == nullptr && feed.is_table() && feed.contains("table"))
                first = &feed.as_table().at("table");
        }
    }
    if (first != nullptr && value == nullptr)
        problems.add(line_of(*first),
                     "[[feed]] table has no effect without [postgres]; say where the database is, "
                     "with url = \"env:DATABASE_URL\"");
    if (first == nullptr && value != nullptr)
        problems.add(line_of(*value),
                     "[postgres] has no effect without a feed that has a table; add one, such as "
                     "table = \"enrichment_events\"");
}

}  // namespace herald::sidecar
