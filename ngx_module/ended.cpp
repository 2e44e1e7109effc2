#include "ended.hpp"

#include "ring/questions.hpp"
#include "worker.hpp"

namespace herald {

namespace questions = ring::questions;

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

    uint64_t newest = 0;
    bool ends = false;
    bool in_ring = true;
    for (const std::string& channel : channels) {
        const uint64_t position = worker.channels.last(channel);
        ring::RecordHeader header;
        if (position == ring::kNoPosition || position < ring->reader.oldest() ||
            ring->reader.header_at(position, header) != ring::Poll::Record) {
            in_ring = false;
            continue;
        }
        if (header.seq > id->seq)
            return AtEnd::No;
        if (header.seq > newest) {
            newest = header.seq;
            ends = (header.flags & ring::kEndsStream) != 0;
        }
    }
    // Whatever is in the ring is newer than what is not.
    if (newest != 0)
        return ends ? AtEnd::Yes : AtEnd::No;
    return in_ring || ring->reader.evicted_seq() == 0 || !worker.asks().is_open() ? AtEnd::No
                                                                                  : AtEnd::AskIndex;
}

EndQuestion::EndQuestion(Worker& worker, const std::vector<std::string>& channels,
                         const std::string& client_id)
    : seq(ring::parse_id(client_id).value_or(EventId{}).seq),
      up_to(worker.ring()->reader.evicted_seq()) {
    questions::HistoryQuestion question;
    question.channels = channels;
    question.range.order = questions::Order::Newest;
    question.range.limit = 1;
    question.range.max_bytes = 1;
    question.range.known_seq = seq;
    question.range.up_to_seq = up_to;
    bytes = questions::encode(question);
}

bool EndQuestion::says_at_end(const std::string* answer) const {
    std::string_view rest = answer == nullptr ? std::string_view() : *answer;
    questions::HistoryAnswer told;
    return questions::take_bytes(rest, told) &&
           (told.status == questions::HistoryStatus::Found ||
            told.status == questions::HistoryStatus::NotModified) &&
           told.ended != 0 && told.newest_seq <= seq && told.seen_seq >= up_to;
}

}  // namespace herald
