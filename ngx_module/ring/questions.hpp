// What a worker asks the sidecar, and what it is answered (docs/formats.md). Both sides check every
// length before they believe it; a message that contradicts itself does not decode.
//
//   HistoryQuestion   the past of some channels, from the index: one piece of it. Questions have no
//                     memory: whoever wants more asks again, behind what he has had. A poll says
//                     as well which ids its client has: a channel's past may be kept elsewhere, and
//                     then has ids of its own.
//   PublishQuestion   an event from a client; answered when it is in the journal.
//   ViewQuestion      a view as JSON, or its flush; answered as HTTP would answer.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "id.hpp"
#include "layout.hpp"
#include "names.hpp"

namespace herald::ring::questions {

enum class Kind : uint32_t { History = 1, Publish = 2, View = 3, Poll = 4 };

enum class Order : uint32_t {
    Forward = 1,  // the oldest events behind `after_seq`
    Newest = 2,   // the newest events, at most `limit`; in the order of their seqs all the same
    Behind = 3,   // no items: behind which seq these newest events lie
};

// Numbers of the history question as they travel.
struct HistoryRange {
    Order order = Order::Forward;
    uint32_t limit = 0;            // events; 0: as many as fit into `max_bytes`
    uint32_t max_bytes = 0;        // of the answer's items; one event is given however long it is
    uint32_t notices = 0;          // 1: losses of Redis and of the journal are part of it
    uint64_t after_seq = 0;        // nothing up to this seq
    uint64_t up_to_seq = 0;        // nothing behind this seq; answered when the index has got there
    int64_t since_us = INT64_MIN;  // nothing whose time (microseconds since 1970) is up to this one
    uint64_t known_seq = 0;  // answered with NotModified where the channels' newest event is this
};

// What events have to be, of those in the range. What is empty is not asked for.
struct HistorySearch {
    int64_t until_us = INT64_MAX;      // nothing whose time is later than this one
    uint64_t before_seq = 0;           // nothing from this seq on; 0: no bound
    std::vector<std::string> types{};  // alternatives, as are the next two
    std::vector<std::string> stages{};
    std::vector<std::string> statuses{};
    std::string text{};  // of the message; ASCII letters are alike in either case

    bool operator==(const HistorySearch&) const = default;
    // Whether an event's data has to be looked at.
    bool looks_inside() const {
        return !types.empty() || !stages.empty() || !statuses.empty() || !text.empty();
    }
    bool is_any() const { return *this != HistorySearch(); }
};

constexpr size_t kMaxAlternatives = 16;
constexpr size_t kMaxSearched = 256;  // bytes of an alternative, and of the text

// A poll's ids as the client has them, of whatever log. The range and the search have the same
// places as seqs of the ring's log.
struct PolledIds {
    std::optional<EventId> after{};
    std::optional<EventId> before{};
    std::optional<EventId> known{};  // the channel's newest event, by the client's ETag

    bool operator==(const PolledIds&) const = default;
};

struct HistoryQuestion {
    HistoryRange range;
    std::vector<std::string> channels;
    HistorySearch search{};
    std::optional<PolledIds> poll{};  // only of polls
};

enum class HistoryStatus : uint32_t {
    Found = 1,        // also where there is nothing
    NotModified = 2,  // `known_seq` is still the newest, or the poll's `known`
    Unavailable = 3,  // the index cannot answer now
    Malformed = 4,
    OtherLog = 5,  // a poll's `before` is not of the log that the answer would be of
};

// Starts the answer; `count` items follow.
struct HistoryAnswer {
    HistoryStatus status = HistoryStatus::Unavailable;
    uint32_t count = 0;     // items that follow
    uint32_t more = 0;      // 1: `limit`, `max_bytes` or what a search may cost has ended it.
                            // Forward: events behind the last item follow; Newest: there are
                            // older ones before the first. Of a search: there are others to look at
    uint32_t known = 0;     // 1: one of the channels has had an event, ever; or its JSONL folder
                            // exists. 2: nobody can say, as not all is there yet
    uint32_t ended = 0;     // 1: the channels' newest event ends their streams
    uint32_t log = 0;       // of all seqs here and of the items; 0: the ring's
    uint64_t lost_seq = 0;  // of events behind `after_seq` up to this one, some are gone from the
                            // index; 0: none are. Items up to it may follow: each channel's events
                            // that are kept are all there, whatever another channel has lost
    uint64_t newest_seq = 0;  // of the channels' newest event in the index; 0: it has none
    uint64_t behind_seq = 0;  // Behind: Forward from here gives the newest `limit` events. Of a
                              // search: the last event that was looked at, 0: none; to go on behind
                              // it (Forward) or before it (Newest)
    uint64_t seen_seq = 0;  // how far the index has got: up to this seq and `up_to_seq`, all there
                            // is has been given, or is what `more` means. Less than `up_to_seq`
                            // where the journal is behind, or the index fails. Of another log than
                            // the ring's: its newest seq, whatever was asked
};

// One event or notice; channel, event and data follow.
struct HistoryItem {
    uint64_t seq = 0;
    uint64_t from_seq = 0;  // as in ring::RecordHeader
    uint64_t at_ms = 0;     // time of arrival, milliseconds since 1970
    uint32_t data_length = 0;
    uint16_t channel_length = 0;
    uint16_t event_length = 0;
    ring::Kind kind = ring::Kind::Event;
    uint8_t flags = 0;         // as in ring::RecordHeader
    uint8_t reserved[6] = {};  // 0
};

struct HistoryItemView {
    HistoryItem header;
    std::string_view channel;
    std::string_view event;
    std::string_view data;
};

enum class PublishStatus : uint32_t {
    Accepted = 1,     // it is in the journal
    Malformed = 2,    // no event; the text says why
    TooLarge = 3,     // beyond max_message
    NoFeed = 4,       // no feed claims the channel
    Unavailable = 5,  // Redis is away, or the journal cannot be written: not accepted
    Unknown = 6,      // no word from Redis in time: it may or may not have been accepted
};

struct PublishAnswer {
    PublishStatus status = PublishStatus::Unavailable;
    uint32_t log = 0;  // of the event's id
    uint64_t seq = 0;
};  // a text for the client follows; empty where Accepted

// Starts the question for a view; the tags, then name, item and query follow.
struct ViewHeader {
    uint32_t flush = 0;      // 1: what the view keeps is to be made anew
    uint32_t tag_count = 0;  // of 8 bytes each: the bodies that the client has
    uint16_t name_length = 0;
    uint16_t item_length = 0;
    uint16_t query_length = 0;
    uint16_t reserved = 0;  // 0
};

struct ViewQuestion {
    bool flush = false;
    std::vector<uint64_t> tags{};  // any of them: NotModified will do
    std::string name{};            // is_view_name
    std::string item{};            // is_view_item
    std::string query{};           // the client's, as it came
};

enum class ViewStatus : uint32_t {
    Answered = 1,
    NotModified = 2,  // one of the tags is still the body's; no body follows
    Malformed = 3,
};

// Starts the answer; the body, JSON, follows.
struct ViewAnswer {
    ViewStatus status = ViewStatus::Malformed;
    uint32_t http_status = 0;  // is_view_status, where Answered
    uint64_t tag = 0;          // a hash of the body; 0: it has none
};

static_assert(sizeof(HistoryRange) == 48 && sizeof(HistoryAnswer) == 56);
static_assert(sizeof(HistoryItem) == 40 && sizeof(PublishAnswer) == 16);
static_assert(sizeof(ViewHeader) == 16 && sizeof(ViewAnswer) == 16);

constexpr size_t kMaxChannels = 256;  // in one question

constexpr size_t kMaxViewTags = 8;      // in one question
constexpr size_t kMaxViewName = 64;     // bytes
constexpr size_t kMaxViewItem = 1024;   // likewise
constexpr size_t kMaxViewQuery = 1024;  // likewise
constexpr size_t kMaxViewBody = 8 << 20;

// A view's name: what is in front of the first `/` where there is an item.
inline bool is_view_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxViewName && is_utf8(name) &&
           !has_control_characters(name) && name.find('/') == std::string_view::npos;
}

// May be empty: the view as a whole.
inline bool is_view_item(std::string_view item) {
    return item.size() <= kMaxViewItem && is_utf8(item) && !has_control_characters(item);
}

// Those of answers that have a body: 200, 400 to 599.
inline bool is_view_status(uint32_t status) {
    return status == 200 || (status >= 400 && status <= 599);
}

// -- bytes

template <class T>
void append_bytes(std::string& out, const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take_bytes(std::string_view& bytes, T& value) {
    if (bytes.size() < sizeof value)
        return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
    return true;
}

inline bool take_text(std::string_view& bytes, size_t length, std::string_view& text) {
    if (bytes.size() < length)
        return false;
    text = bytes.substr(0, length);
    bytes.remove_prefix(length);
    return true;
}

// A text behind its length.
inline void append_sized(std::string& out, std::string_view text) {
    append_bytes(out, static_cast<uint16_t>(text.size()));
    out.append(text);
}

inline bool take_sized(std::string_view& bytes, size_t longest, std::string_view& text) {
    uint16_t length = 0;
    return take_bytes(bytes, length) && length <= longest && take_text(bytes, length, text);
}

// -- questions

inline void append_search(std::string& out, const HistorySearch& search) {
    append_bytes(out, search.until_us);
    append_bytes(out, search.before_seq);
    for (const auto* list : {&search.types, &search.stages, &search.statuses}) {
        append_bytes(out, static_cast<uint16_t>(list->size()));
        for (const std::string& text : *list)
            append_sized(out, text);
    }
    append_sized(out, search.text);
}

inline bool take_search(std::string_view& bytes, HistorySearch& search) {
    if (!take_bytes(bytes, search.until_us) || !take_bytes(bytes, search.before_seq))
        return false;
    std::string_view text;
    for (auto* list : {&search.types, &search.stages, &search.statuses}) {
        uint16_t count = 0;
        if (!take_bytes(bytes, count) || count > kMaxAlternatives)
            return false;
        for (; count != 0; --count) {
            if (!take_sized(bytes, kMaxSearched, text))
                return false;
            list->emplace_back(text);
        }
    }
    if (!take_sized(bytes, kMaxSearched, text))
        return false;
    search.text = text;
    return true;
}

inline void append_id(std::string& out, const std::optional<EventId>& id) {
    append_bytes(out, uint32_t{id ? 1u : 0u});
    append_bytes(out, id ? id->log : 0);
    append_bytes(out, id ? id->seq : 0);
}

inline bool take_id(std::string_view& bytes, std::optional<EventId>& id) {
    uint32_t is_there = 0;
    EventId taken;
    if (!take_bytes(bytes, is_there) || is_there > 1 || !take_bytes(bytes, taken.log) ||
        !take_bytes(bytes, taken.seq))
        return false;
    id = is_there == 1 ? std::optional(taken) : std::nullopt;
    return true;
}

// The search is only there where something is searched for.
inline std::string encode(const HistoryQuestion& question) {
    std::string out;
    append_bytes(out, question.poll ? Kind::Poll : Kind::History);
    if (question.poll) {
        append_id(out, question.poll->after);
        append_id(out, question.poll->before);
        append_id(out, question.poll->known);
    }
    append_bytes(out, static_cast<uint32_t>(question.channels.size()));
    append_bytes(out, question.range);
    for (const std::string& channel : question.channels)
        append_sized(out, channel);
    if (question.search.is_any())
        append_search(out, question.search);
    return out;
}

// The kind of a question, taken off its front.
inline bool take_kind(std::string_view& bytes, Kind& kind) {
    return take_bytes(bytes, kind);
}

// What is behind the kind, History.
inline bool decode(std::string_view bytes, HistoryQuestion& question) {
    question.poll.reset();
    uint32_t count = 0;
    if (!take_bytes(bytes, count) || count == 0 || count > kMaxChannels ||
        !take_bytes(bytes, question.range))
        return false;
    if (question.range.order < Order::Forward || question.range.order > Order::Behind)
        return false;
    question.channels.clear();
    for (uint32_t i = 0; i < count; ++i) {
        std::string_view channel;
        if (!take_sized(bytes, kMaxChannelLength, channel))
            return false;
        question.channels.emplace_back(channel);
    }
    question.search = {};
    return bytes.empty() || (take_search(bytes, question.search) && bytes.empty());
}

// What is behind the kind, Poll.
inline bool decode_poll(std::string_view bytes, HistoryQuestion& question) {
    PolledIds ids;
    if (!take_id(bytes, ids.after) || !take_id(bytes, ids.before) || !take_id(bytes, ids.known) ||
        !decode(bytes, question))
        return false;
    question.poll = ids;
    return true;
}

inline std::string encode_publish(std::string_view channel, std::string_view data) {
    std::string out;
    append_bytes(out, Kind::Publish);
    append_bytes(out, static_cast<uint32_t>(channel.size()));
    return out.append(channel).append(data);
}

inline bool decode_publish(std::string_view bytes, std::string_view& channel,
                           std::string_view& data) {
    uint32_t length = 0;
    if (!take_bytes(bytes, length) || length > kMaxChannelLength ||
        !take_text(bytes, length, channel))
        return false;
    data = bytes;
    return true;
}

// The caller keeps to the bounds.
inline std::string encode(const ViewQuestion& question) {
    ViewHeader header;
    header.flush = question.flush ? 1 : 0;
    header.tag_count = static_cast<uint32_t>(question.tags.size());
    header.name_length = static_cast<uint16_t>(question.name.size());
    header.item_length = static_cast<uint16_t>(question.item.size());
    header.query_length = static_cast<uint16_t>(question.query.size());
    std::string out;
    append_bytes(out, Kind::View);
    append_bytes(out, header);
    for (const uint64_t tag : question.tags)
        append_bytes(out, tag);
    return out.append(question.name).append(question.item).append(question.query);
}

// What is behind the kind.
inline bool decode(std::string_view bytes, ViewQuestion& question) {
    ViewHeader header;
    if (!take_bytes(bytes, header) || header.flush > 1 || header.tag_count > kMaxViewTags ||
        header.query_length > kMaxViewQuery || header.reserved != 0)
        return false;
    question.flush = header.flush == 1;
    question.tags.resize(header.tag_count);
    for (uint64_t& tag : question.tags) {
        if (!take_bytes(bytes, tag))
            return false;
    }
    std::string_view name, item, query;
    if (!take_text(bytes, header.name_length, name) ||
        !take_text(bytes, header.item_length, item) ||
        !take_text(bytes, header.query_length, query) || !bytes.empty() || !is_view_name(name) ||
        !is_view_item(item))
        return false;
    question.name = name;
    question.item = item;
    question.query = query;
    return true;
}

// -- answers

// The answer's head off the front of its bytes; what is left is the body.
inline bool take_view_answer(std::string_view& bytes, ViewAnswer& answer) {
    if (!take_bytes(bytes, answer) || bytes.size() > kMaxViewBody)
        return false;
    if (answer.status == ViewStatus::Answered)
        return is_view_status(answer.http_status);
    return bytes.empty() &&
           (answer.status == ViewStatus::NotModified || answer.status == ViewStatus::Malformed);
}

inline void append_item(std::string& out, const HistoryItem& item, std::string_view channel,
                        std::string_view event, std::string_view data) {
    HistoryItem header = item;
    header.channel_length = static_cast<uint16_t>(channel.size());
    header.event_length = static_cast<uint16_t>(event.size());
    header.data_length = static_cast<uint32_t>(data.size());
    append_bytes(out, header);
    out.append(channel).append(event).append(data);
}

inline bool take_item(std::string_view& bytes, HistoryItemView& item) {
    return take_bytes(bytes, item.header) && item.header.channel_length <= kMaxChannelLength &&
           item.header.event_length <= kMaxEventLength &&
           take_text(bytes, item.header.channel_length, item.channel) &&
           take_text(bytes, item.header.event_length, item.event) &&
           take_text(bytes, item.header.data_length, item.data);
}

}  // namespace herald::ring::questions
