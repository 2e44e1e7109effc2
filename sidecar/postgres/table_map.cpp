#include "sidecar/postgres/table_map.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "ring/names.hpp"

namespace herald::sidecar::postgres {

namespace {

constexpr size_t kMaxIdentifier = 63;  // bytes; PostgreSQL cuts off what is longer

constexpr std::array kWords{
    std::pair{std::string_view("$id"), Source::Kind::Id},
    std::pair{std::string_view("$seq"), Source::Kind::Seq},
    std::pair{std::string_view("$channel"), Source::Kind::Channel},
    std::pair{std::string_view("$event"), Source::Kind::Event},
    std::pair{std::string_view("$at"), Source::Kind::At},
    std::pair{std::string_view("$time"), Source::Kind::Time},
    std::pair{std::string_view("$data"), Source::Kind::Data},
};

// What history needs, and how its columns are called by default.
constexpr std::array kHistoryWords{
    std::pair{std::string_view("$channel"), Source::Kind::Channel},
    std::pair{std::string_view("$event"), Source::Kind::Event},
    std::pair{std::string_view("$data"), Source::Kind::Data},
    std::pair{std::string_view("$time"), Source::Kind::Time},
};

std::string listed(std::span<const std::string> names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

Source parse_part(std::string_view text, std::span<const std::string> part_names) {
    const std::string_view name = text.substr(2, text.size() - 3);
    const auto found = std::find(part_names.begin(), part_names.end(), name);
    if (found == part_names.end())
        throw std::invalid_argument(
            "is \"" + std::string(text) + "\", which the channels do not have; " +
            (part_names.empty() ? "they have no parts" : "they have " + listed(part_names)));
    return {Source::Kind::Part, {}, static_cast<size_t>(found - part_names.begin())};
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    for (;;) {
        const size_t dot = text.find('.');
        parts.emplace_back(text.substr(0, dot));
        if (dot == text.npos)
            return parts;
        text.remove_prefix(dot + 1);
    }
}

}  // namespace

Source parse_source(std::string_view text, std::span<const std::string> part_names) {
    for (const auto& [word, kind] : kWords) {
        if (text == word)
            return {kind, {}, 0};
    }
    if (text.starts_with("${") && text.ends_with('}'))
        return parse_part(text, part_names);
    if (text.starts_with('$'))
        throw std::invalid_argument("is \"" + std::string(text) +
                                    "\"; expected a member's path, such as \"state.status\", or "
                                    "$id, $seq, $channel, $event, $at, $time, $data or ${part}");
    Source source{Source::Kind::Member, split(text), 0};
    if (std::ranges::any_of(source.path, &std::string::empty))
        throw std::invalid_argument(
            "is \"" + std::string(text) +
            "\"; expected the names of members with one dot in between, such as \"state.status\"");
    return source;
}

void require_identifier(std::string_view name) {
    if (name.empty() || name.size() > kMaxIdentifier || ring::has_control_characters(name))
        throw std::invalid_argument("\"" + std::string(name) +
                                    "\" is no name that PostgreSQL has; expected 1 to 63 bytes "
                                    "without control characters");
}

std::vector<std::string> parse_table_name(std::string_view text) {
    std::vector<std::string> name = split(text);
    if (name.size() > 2)
        throw std::invalid_argument("is \"" + std::string(text) +
                                    "\"; expected a table's name, or schema.table");
    for (const std::string& part : name) {
        try {
            require_identifier(part);
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument("is \"" + std::string(text) + "\": " + error.what());
        }
    }
    return name;
}

std::string text_of(const TableMap& table) {
    return table.name.size() == 1 ? table.name[0] : table.name[0] + "." + table.name[1];
}

std::string quote_identifier(std::string_view name) {
    std::string quoted = "\"";
    for (char c : name) {
        quoted += c;
        if (c == '"')
            quoted += c;
    }
    return quoted += '"';
}

std::string quote_name(std::span<const std::string> name) {
    std::string quoted;
    for (const std::string& part : name)
        quoted += (quoted.empty() ? "" : ".") + quote_identifier(part);
    return quoted;
}

std::vector<Column> default_columns() {
    std::vector<Column> columns;
    for (const char* name :
         {"event_id", "event_type", "routing_key", "bom_id", "organization_id", "project_id",
          "user_id", "source", "workflow_id", "workflow_run_id", "state", "payload", "created_at"})
        columns.push_back({name, {Source::Kind::Member, {name}, 0}});
    return columns;
}

std::vector<Column> default_history_columns() {
    std::vector<Column> columns;
    for (const auto& [word, kind] : kHistoryWords)
        columns.push_back({std::string(word.substr(1)), {kind, {}, 0}});
    return columns;
}

HistoryColumns find_history_columns(std::span<const Column> columns, std::string position,
                                    bool named) {
    HistoryColumns found;
    found.position = std::move(position);
    std::string missing;
    for (const auto& [word, kind] : kHistoryWords) {
        std::vector<std::string> names;
        for (const Column& column : columns) {
            if (column.source.kind == kind)
                names.push_back(column.name);
        }
        const bool wanted = named || kind != Source::Kind::Event;
        if (names.empty() && wanted)
            missing.append(missing.empty() ? "" : ", ")
                .append(word.substr(1))
                .append(" = \"")
                .append(word)
                .append("\"");
        if (kind == Source::Kind::Data)
            found.data = std::move(names);
        else if (!names.empty())
            (kind == Source::Kind::Channel ? found.channel
             : kind == Source::Kind::Event ? found.event
                                           : found.time) = names.front();
    }
    if (!missing.empty())
        throw std::invalid_argument("lacks what history = \"postgres\" answers from; add " +
                                    missing);
    return found;
}

std::string unique_column(std::span<const Column> columns, std::string_view dedupe) {
    for (const Column& column : columns) {
        if (!dedupe.empty() && column.source.kind == Source::Kind::Member &&
            column.source.path.size() == 1 && column.source.path.front() == dedupe)
            return column.name;
    }
    for (const Column& column : columns) {
        if (column.source.kind == Source::Kind::Id)
            return column.name;
    }
    return {};
}

}  // namespace herald::sidecar::postgres
