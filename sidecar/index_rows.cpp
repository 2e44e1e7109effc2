#include "sidecar/index_rows.hpp"

namespace herald::sidecar {

void IndexRows::add(const Row& row, std::string_view event, std::string_view data) {
    waiting_.push_back({row, event.size(), data.size()});
    texts_.append(event).append(data);
    if (waiting_.size() == kTogether || texts_.size() >= kMostBytes)
        insert();
}

void IndexRows::insert() {
    if (waiting_.empty())
        return;
    size_t text = 0;
    if (waiting_.size() == kTogether) {
        insert(events_, entries_, 0, kTogether, text);
    } else {
        for (size_t i = 0; i < waiting_.size(); ++i)
            insert(event_, entry_, i, 1, text);
    }
    waiting_.clear();
    texts_.clear();
    if (texts_.capacity() > 2 * kMostBytes)
        texts_.shrink_to_fit();
}

// Inserts `count` rows by statements of so many; `text`: where their texts begin, and then end.
void IndexRows::insert(sqlite::Statement& events, sqlite::Statement& entries, size_t first,
                       size_t count, size_t& text) {
    const std::string_view texts = texts_;
    sqlite::Query event(events);
    sqlite::Query entry(entries);
    for (size_t i = first; i < first + count; ++i) {
        const auto& [row, event_size, data_size] = waiting_[i];
        event.add(row.seq, row.channel, row.at_ms, texts.substr(text, event_size),
                  texts.substr(text + event_size, data_size));
        entry.add(row.channel, row.seq, row.time_us, row.late_us, row.flags);
        text += event_size + data_size;
    }
    event.next();
    entry.next();
}

// OR FAIL: a statement of several rows that could be taken back would keep a journal of its own.
// Here the whole transaction goes where one fails.
std::string IndexRows::statement(std::string_view table, size_t rows) {
    std::string text("INSERT OR FAIL INTO ");
    text.append(table).append(" VALUES ");
    for (size_t i = 0; i < rows; ++i)
        text += i == 0 ? "(?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?)";
    return text;
}

}  // namespace herald::sidecar
