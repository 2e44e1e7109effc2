// What a worker asks the sidecar, and what it is answered (docs/formats.md). Both sides check every
// length before they believe it; a message that contradicts itself does not decode.
//
//   HistoryQuestion   the past of some channels, from the index: one piece of it. Questions have no
//                     memory: whoever wants more asks again, behind what he has had. A poll says
//                     as well which ids its client has: a channel's past may be kept elsewhere, and
//                     then has ids of its own.
//   PublishQuestion   an event from a client; answered when it is in the journal.
//   ViewQuestion      a view as JSON, or its flush: view_question.hpp
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "id.hpp"
#include "layout.hpp"
#include "question_bytes.hpp"  // IWYU pragma: export
#include "view_question.hpp"   // IWYU pragma: export

namespace herald::ring::questions {

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

static_assert(sizeof(HistoryRange) == 48 && sizeof(HistoryAnswer) == 56);
static_assert(sizeof(HistoryItem) == 40 && sizeof(PublishAnswer) == 16);

constexpr size_t kMaxChannels = 256;  // in one question

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

// -- answers

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
