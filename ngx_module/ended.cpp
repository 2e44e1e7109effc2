#include "ended.hpp"

#include <algorithm>

#include "ring/questions.hpp"
#include "worker.hpp"

namespace herald {

namespace questions = ring::questions;

namespace {

// The newest event of the channels, as far as the ring has it.
struct InRing {
    uint64_t newest_seq = 0;  // 0: it has none
    bool ends = false;
    bool whole = true;  // each of them has one there
};

InRing look_into_ring(Worker& worker, const std::vector<std::string>& channels) {
    const AttachedRing& ring = *worker.ring();
    InRing found;
    for (const std::string& channel : channels) {
        const uint64_t position = worker.channels.last(channel);
        ring::RecordHeader header;
        if (position == ring::kNoPosition || position < ring.reader.oldest() ||
            ring.reader.header_at(position, header) != ring::Poll::Record) {
            found.whole = false;
        } else if (header.seq > found.newest_seq) {
            found.newest_seq = header.seq;
            found.ends = (header.flags & ring::kEndsStream) != 0;
        }
    }
    return found;
}

// Whatever is in the ring is newer than what is not.
Newest newest_of(Worker& worker, const InRing& found) {
    if (found.newest_seq != 0)
        return found.ends ? Newest::Ends : Newest::GoesOn;
    const bool nothing_else = found.whole || worker.ring()->reader.evicted_seq() == 0;
    return nothing_else || !worker.asks().is_open() ? Newest::GoesOn : Newest::AskIndex;
}

}  // namespace

AtEnd is_at_end(Worker& worker, const std::vector<std::string>& channels,
                const std::string& client_id) {
    AttachedRing* ring = worker.ring();
    const std::optional<EventId> id = ring::parse_id(client_id);
    if (ring == nullptr || !id || id->log != ring->header().log)
        return AtEnd::No;
    if (id->seq > ring->header().last_seq.load(std::memory_order_relaxed))
        return AtEnd::No;  // nothing of ours has this id yet
    if (id->seq > worker.last_seq())
        worker.catch_up(id->seq);

    const InRing found = look_into_ring(worker, channels);
    if (found.newest_seq > id->seq)
        return AtEnd::No;
    switch (newest_of(worker, found)) {
        case Newest::GoesOn:
            break;
        case Newest::Ends:
            return AtEnd::Yes;
        case Newest::AskIndex:
            return AtEnd::AskIndex;
    }
    return AtEnd::No;
}

Newest newest_of(Worker& worker, const std::vector<std::string>& channels) {
    return worker.ring() == nullptr ? Newest::GoesOn
                                    : newest_of(worker, look_into_ring(worker, channels));
}

bool has_seen(Worker& worker, const std::vector<std::string>& channels) {
    if (worker.ring() == nullptr)
        return false;
    const auto seen = [&] {
        return std::any_of(channels.begin(), channels.end(), [&](const std::string& channel) {
            return worker.channels.last(channel) != ring::kNoPosition;
        });
    };
    if (seen())
        return true;
    // Whoever has just been told of its first event must find it.
    const uint64_t newest = worker.ring()->header().last_seq.load(std::memory_order_relaxed);
    if (newest <= worker.last_seq())
        return false;
    worker.catch_up(newest);
    return seen();
}

ChannelQuestion::ChannelQuestion(Worker& worker, const std::vector<std::string>& channels,
                                 const std::string* client_id)
    : seq(client_id == nullptr ? 0 : ring::parse_id(*client_id).value_or(EventId{}).seq),
      up_to(worker.ring()->reader.evicted_seq()) {
    questions::HistoryQuestion question;
    question.channels = channels;
    question.range.order = questions::Order::Behind;
    question.range.limit = 1;
    question.range.max_bytes = 1;
    question.range.known_seq = seq;
    question.range.up_to_seq = up_to;
    bytes = questions::encode(question);
}

ChannelQuestion::Told ChannelQuestion::read(const std::string* answer) const {
    std::string_view rest = answer == nullptr ? std::string_view() : *answer;
    questions::HistoryAnswer head;
    Told told;
    if (!questions::take_bytes(rest, head) ||
        (head.status != questions::HistoryStatus::Found &&
         head.status != questions::HistoryStatus::NotModified))
        return told;
    const bool whole = head.seen_seq >= up_to;
    told.known = head.known != 0;
    told.unknown = !told.known && whole;
    told.ended = head.ended != 0 && whole;
    told.at_end = told.ended && seq != 0 && head.newest_seq <= seq;
    return told;
}

}  // namespace herald
