#include "sidecar/postgres/row_builder.hpp"

#include <algorithm>
#include <span>

#include "ring/id.hpp"
#include "ring/timestamp.hpp"
#include "sidecar/event_time.hpp"

namespace herald::sidecar::postgres {

namespace {

void append_text(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text);
    out += '"';
}

}  // namespace

RowBuilder::RowBuilder(const Feed& feed) : feed_(feed) {
    for (const Column& column : feed.table->columns) {
        Cell cell{{}, &column.source, 0, false};
        append_text(cell.key, column.name);
        cell.key += ':';
        if (column.source.kind == Source::Kind::Member)
            cell.place = paths_.add(column.source.path);
        has_parts_ = has_parts_ || column.source.kind == Source::Kind::Part;
        cells_.push_back(std::move(cell));
    }
}

bool RowBuilder::append_row(std::string& out, const JournalEntry& entry) {
    if (entry.kind != ring::Kind::Event)
        return false;
    if (has_parts_ ? !feed_.channels.captures(entry.channel, parts_)
                   : !feed_.channels.matches(entry.channel))
        return false;

    const std::span<const std::string_view> members = paths_.find(entry.data);
    const size_t begin = out.size();
    out += '{';
    for (const Cell& cell : cells_) {
        const bool is_member = cell.source->kind == Source::Kind::Member;
        if (is_member && members[cell.place].empty())
            continue;
        if (cell.source->kind == Source::Kind::Event && entry.event.empty())
            continue;
        if (out.size() > begin + 1)
            out += ',';
        out += cell.key;
        if (is_member)
            out += members[cell.place];
        else
            append_value(out, cell, entry);
    }
    out += '}';
    return true;
}

void RowBuilder::keep_bytes_of(std::string_view column) {
    for (size_t i = 0; i < cells_.size(); ++i)
        cells_[i].keeps_bytes = feed_.table->columns[i].name == column;
}

void RowBuilder::append_value(std::string& out, const Cell& cell, const JournalEntry& entry) {
    switch (cell.source->kind) {
        case Source::Kind::Member:
            break;
        case Source::Kind::Id:
            return append_text(out, ring::to_string(entry.id));
        case Source::Kind::Seq:
            out += std::to_string(entry.id.seq);
            break;
        case Source::Kind::Channel:
            return append_text(out, entry.channel);
        case Source::Kind::Event:
            return append_text(out, entry.event);
        case Source::Kind::At:
            out += '"';
            append_time(out, entry.at_ms);
            out += '"';
            break;
        case Source::Kind::Time:
            out += '"';
            ring::append_time_us(out, event_time_us(scanner_, feed_, entry.data, entry.at_ms));
            out += '"';
            break;
        case Source::Kind::Data:
            if (cell.keeps_bytes)
                return append_text(out, entry.data);
            out += entry.data;
            break;
        case Source::Kind::Part:
            return append_text(out, parts_[cell.source->part]);
    }
}

}  // namespace herald::sidecar::postgres
