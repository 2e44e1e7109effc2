// Every channel of a question is a source of rows, and so are the notices; a heap merges them by
// seq. Rows come from `entries` in batches. A lone channel's come with their events, which costs
// half as much as to look each one up; of several, only an event that goes into the answer is.
#include "sidecar/index_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sidecar/history_walk.hpp"

namespace herald::sidecar {

using ring::questions::HistoryAnswer;
using ring::questions::HistoryItem;
using ring::questions::HistoryQuestion;
using ring::questions::HistoryRange;
using ring::questions::HistoryStatus;
using ring::questions::Order;

namespace {

constexpr uint32_t kDefaultBytes = 1 << 20;  // of items, where the question has no bound
constexpr uint32_t kMostBytes = 8 << 20;     // whatever the question's
constexpr size_t kBatch = 256;               // rows read ahead from one channel
constexpr size_t kSmallBatch = 32;           // the same, where there are several
constexpr size_t kBatchBytes = 256 << 10;    // of events that are read ahead

constexpr char kEventMissing[] = "index: an entry's event is missing";

size_t bytes_of(const HistoryRange& range) {
    return range.max_bytes == 0 ? kDefaultBytes : std::min(range.max_bytes, kMostBytes);
}

bool is_sound(const HistoryQuestion& question) {
    const Order order = question.range.order;
    if (order < Order::Forward || order > Order::Behind)
        return false;
    if (order == Order::Behind && question.search.is_any())
        return false;
    if (question.channels.empty() || question.channels.size() > ring::questions::kMaxChannels)
        return false;
    return std::ranges::all_of(question.channels, [](const std::string& name) {
        return !name.empty() && name.size() <= ring::kMaxChannelLength;
    });
}

// at_ms * 1000 > since_us exactly where at_ms is greater than this.
int64_t notices_since(int64_t since_us) {
    return since_us < 0 ? -1 : since_us / 1000;
}

// Parameters: channel, behind which seq and up to which, since which time, how many; with events,
// also until which time.
std::string select_entries(bool with_events, bool down) {
    return std::string("SELECT entries.seq, flags, time_us") +
           (with_events ? ", at_ms, event, data FROM entries LEFT JOIN events "
                          "ON events.seq = entries.seq AND time_us <= ?6"
                        : " FROM entries") +
           " WHERE entries.channel = ?1 AND entries.seq > ?2 AND entries.seq <= ?3 "
           "AND time_us > ?4 ORDER BY entries.seq " +
           (down ? "DESC" : "ASC") + " LIMIT ?5";
}

}  // namespace

struct IndexReader::Row {
    uint64_t seq = 0;
    uint64_t from_seq = 0;  // of a notice
    uint64_t at_ms = 0;     // of a notice, or of an event that has been read
    int64_t time_us = 0;    // of an event
    size_t event_size = 0;  // bytes in `texts`, and behind them those of the data
    size_t data_size = 0;
    ring::Kind kind = ring::Kind::Event;
    uint8_t flags = 0;
};

struct IndexReader::Source {
    int64_t channel = 0;  // 0: notices
    std::string_view name{};
    uint64_t low = 0;   // what has not been read yet: behind this seq ...
    uint64_t high = 0;  // ... up to this one
    int64_t since_us = INT64_MIN;
    int64_t until_us = INT64_MAX;  // events that are later come without what is in them
    bool down = false;             // from the newest
    bool with_events = false;
    size_t batch = kBatch;
    std::vector<Row> rows{};
    size_t next = 0;      // in `rows`
    std::string texts{};  // of the rows' events
    size_t text = 0;      // where the head's begin

    bool is_notices() const { return channel == 0; }
    const Row& head() const { return rows[next]; }
    std::string_view head_event() const {
        return std::string_view(texts).substr(text, head().event_size);
    }
    std::string_view head_data() const {
        return std::string_view(texts).substr(text + head().event_size, head().data_size);
    }
    void pop() {
        text += head().event_size + head().data_size;
        ++next;
    }
};

// A heap of the sources that have rows left: the rows of a HistoryWalk.
class IndexReader::Merge {
    // What comes first is on top.
    auto order() const {
        return [down = down_](const Source* a, const Source* b) {
            return down ? a->head().seq < b->head().seq : a->head().seq > b->head().seq;
        };
    }

  public:
    Merge(IndexReader& reader, std::vector<Source> sources, bool down)
        : reader_(reader), sources_(std::move(sources)), down_(down) {
        for (Source& source : sources_) {
            reader_.fill(source);
            if (!source.rows.empty())
                add(&source);
        }
    }

    bool is_end() const { return heap_.empty(); }
    bool is_event() const { return !top().is_notices(); }
    uint64_t seq() const { return top().head().seq; }
    bool put(std::string& out, IndexSearch& search) const {
        return reader_.put_item(out, top(), search);
    }

    void pop() {
        std::ranges::pop_heap(heap_, order());
        Source* source = heap_.back();
        heap_.pop_back();
        if (!source->is_notices())
            --with_events_;
        source->pop();
        if (source->next == source->rows.size())
            reader_.fill(*source);
        if (source->next != source->rows.size())
            add(source);
    }

    bool has_events() const { return with_events_ != 0; }

  private:
    const Source& top() const { return *heap_.front(); }

    void add(Source* source) {
        if (!source->is_notices())
            ++with_events_;
        heap_.push_back(source);
        std::ranges::push_heap(heap_, order());
    }

    IndexReader& reader_;
    std::vector<Source> sources_;
    std::vector<Source*> heap_{};
    size_t with_events_ = 0;  // sources of events in the heap
    bool down_;
};

IndexReader::IndexReader(IndexStore& store)
    : store_(store),
      database_(store.database()),
      entries_up_(database_, select_entries(false, false)),
      entries_down_(database_, select_entries(false, true)),
      events_up_(database_, select_entries(true, false)),
      events_down_(database_, select_entries(true, true)) {}

std::string IndexReader::answer(const HistoryQuestion& question) {
    const HistoryRange& range = question.range;
    HistoryAnswer answer;
    answer.seen_seq = store_.applied_seq();
    std::string out(sizeof answer, '\0');

    const IndexStore::Reading reading(store_);
    std::vector<Source> sources;
    if (!open_sources(question, answer, sources)) {
        answer.status = HistoryStatus::Malformed;
    } else if (range.known_seq != 0 && range.known_seq == answer.newest_seq) {
        answer.status = HistoryStatus::NotModified;
    } else {
        answer.status = HistoryStatus::Found;
        Merge merge(*this, std::move(sources), range.order != Order::Forward);
        IndexSearch search(question.search);
        HistoryWalk walk(range, bytes_of(range), search, answer);
        if (range.order == Order::Forward)
            walk.forward(merge, out);
        else if (range.order == Order::Newest)
            walk.newest(merge, out);
        else
            behind(merge, range, answer);
    }
    std::memcpy(out.data(), &answer, sizeof answer);
    return out;
}

// Also sets what the answer says about the channels as a whole. False: the question is malformed.
bool IndexReader::open_sources(const HistoryQuestion& question, HistoryAnswer& answer,
                               std::vector<Source>& sources) {
    if (!is_sound(question))
        return false;
    std::vector<std::string_view> names(question.channels.begin(), question.channels.end());
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());

    const HistoryRange& range = question.range;
    const uint64_t up_to = range.up_to_seq == 0 ? UINT64_MAX : range.up_to_seq;
    Source start;
    start.low = range.after_seq;
    start.high = std::min(up_to, store_.applied_seq());
    start.since_us = range.since_us;
    start.until_us = question.search.until_us;
    start.down = range.order != Order::Forward;
    start.batch = names.size() == 1 ? kBatch : kSmallBatch;
    start.with_events = names.size() == 1 && range.order != Order::Behind;
    if (range.limit != 0 && !question.search.is_any())
        start.batch = std::min(start.batch, size_t{range.limit} + 1);
    if (question.search.before_seq != 0)
        start.high = std::min(start.high, question.search.before_seq - 1);

    uint64_t gone_seq = store_.floor_seq();
    for (std::string_view name : names) {
        const IndexedChannel* channel = store_.channel(name);
        if (channel == nullptr)
            continue;
        answer.known = 1;
        if (channel->last_seq > answer.newest_seq) {
            answer.newest_seq = channel->last_seq;
            answer.ended = (channel->last_flags & ring::kEndsStream) != 0;
        }
        const uint64_t hidden_seq = store_.hidden_seq(*channel);
        gone_seq = std::max(gone_seq, hidden_seq);
        if (channel->high_us <= range.since_us)
            continue;

        Source source = start;
        source.channel = channel->id;
        source.name = name;
        source.low = std::max(start.low, hidden_seq);
        source.high = std::min(start.high, channel->last_seq);
        if (source.since_us != INT64_MIN)
            source.low = first_later(source, source.since_us) - 1;
        sources.push_back(std::move(source));
    }
    if (range.notices != 0) {
        start.batch = kSmallBatch;
        start.with_events = false;
        sources.push_back(std::move(start));
    }

    const uint64_t lost_seq = std::min(gone_seq, up_to);
    answer.lost_seq = lost_seq > range.after_seq ? lost_seq : 0;
    return true;
}

// The first seq of the source at or behind which something can be later than `since_us`. The
// largest time so far never falls from row to row, so it can be searched by halves.
uint64_t IndexReader::first_later(const Source& source, int64_t since_us) {
    uint64_t first = source.low + 1;
    uint64_t last = source.high;
    while (first <= last) {
        const uint64_t middle = first + (last - first) / 2;
        sqlite::Query entry(entry_at_, source.channel, middle);
        if (!entry.next() || entry.integer(1) > since_us)
            last = middle - 1;
        else
            first = entry.seq(0) + 1;
    }
    return first;
}

// Reads the next rows of a source; there are none where it is at its end.
void IndexReader::fill(Source& source) {
    source.rows.clear();
    source.next = 0;
    source.texts.clear();
    source.text = 0;
    if (source.low >= source.high)
        return;

    const bool is_end = source.is_notices()  ? fill_notices(source)
                        : source.with_events ? fill_events(source)
                                             : fill_entries(source);
    if (is_end)
        source.low = source.high;
    else if (source.down)
        source.high = source.rows.back().seq - 1;
    else
        source.low = source.rows.back().seq;
}

// These read a batch, and say whether the source ends with it.
bool IndexReader::fill_notices(Source& source) {
    sqlite::Query notice(source.down ? notices_down_ : notices_up_, source.low, source.high,
                         notices_since(source.since_us), uint64_t{source.batch});
    while (notice.next())
        source.rows.push_back({.seq = notice.seq(0),
                               .from_seq = notice.seq(2),
                               .at_ms = notice.seq(3),
                               .kind = static_cast<ring::Kind>(notice.integer(1))});
    return source.rows.size() < source.batch;
}

bool IndexReader::fill_entries(Source& source) {
    sqlite::Query entry(source.down ? entries_down_ : entries_up_, source.channel, source.low,
                        source.high, source.since_us, uint64_t{source.batch});
    while (entry.next())
        source.rows.push_back({.seq = entry.seq(0),
                               .time_us = entry.integer(2),
                               .flags = static_cast<uint8_t>(entry.integer(1))});
    return source.rows.size() < source.batch;
}

bool IndexReader::fill_events(Source& source) {
    sqlite::Query event(source.down ? events_down_ : events_up_, source.channel, source.low,
                        source.high, source.since_us, uint64_t{source.batch}, source.until_us);
    while (event.next()) {
        if (event.is_null(3) && event.integer(2) <= source.until_us)
            throw sqlite::Error(SQLITE_CORRUPT, kEventMissing);
        const std::string_view name = event.text(4);
        const std::string_view data = event.text(5);
        source.rows.push_back({.seq = event.seq(0),
                               .at_ms = event.seq(3),
                               .time_us = event.integer(2),
                               .event_size = name.size(),
                               .data_size = data.size(),
                               .flags = static_cast<uint8_t>(event.integer(1))});
        source.texts.append(name).append(data);
        if (source.texts.size() >= kBatchBytes)
            return false;
    }
    return source.rows.size() < source.batch;
}

// Appends the head of a source as an item. False: it is not what is searched for.
bool IndexReader::put_item(std::string& out, const Source& source, IndexSearch& search) {
    const Row& row = source.head();
    HistoryItem item;
    item.seq = row.seq;
    item.kind = row.kind;
    item.flags = row.flags;
    item.at_ms = row.at_ms;
    if (row.kind != ring::Kind::Event) {
        item.from_seq = row.from_seq;
        ring::questions::append_item(out, item, {}, {}, {});
        return true;
    }
    if (!search.is_in_time(row.time_us))
        return false;
    if (source.with_events) {
        if (!search.finds(source.head_event(), source.head_data()))
            return false;
        ring::questions::append_item(out, item, source.name, source.head_event(),
                                     source.head_data());
        return true;
    }
    sqlite::Query event(event_, row.seq);
    if (!event.next())
        throw sqlite::Error(SQLITE_CORRUPT, kEventMissing);
    if (!search.finds(event.text(1), event.text(2)))
        return false;
    item.at_ms = event.seq(0);
    ring::questions::append_item(out, item, source.name, event.text(1), event.text(2));
    return true;
}

// Counts from the newest backwards. Where there are fewer, all of them are meant.
void IndexReader::behind(Merge& merge, const HistoryRange& range, HistoryAnswer& answer) {
    answer.behind_seq = range.after_seq;
    for (uint32_t events = 0; !merge.is_end(); merge.pop()) {
        if (!merge.is_event() || ++events != range.limit)
            continue;
        answer.behind_seq = merge.seq() - 1;
        return;
    }
}

}  // namespace herald::sidecar
