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
    if (id->seq > worker.last_seq())
        worker.catch_up(id->seq);
    if (id->seq > worker.last_seq())
        return AtEnd::No;

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

uint64_t ask_at_end(Worker& worker, const std::vector<std::string>& channels,
                    const std::string& client_id, std::function<void(bool)> answered) {
    const uint64_t seq = ring::parse_id(client_id).value_or(EventId{}).seq;
    questions::HistoryQuestion question;
    question.channels = channels;
    question.range.order = questions::Order::Newest;
    question.range.limit = 1;
    question.range.max_bytes = 1;
    question.range.known_seq = seq;
    question.range.up_to_seq = worker.ring()->reader.evicted_seq();
    return worker.asks().ask(
        questions::encode(question), [seq, answered](const std::string* bytes) {
            questions::HistoryAnswer answer;
            std::string_view rest = bytes == nullptr ? std::string_view() : *bytes;
            const bool told = questions::take_bytes(rest, answer) &&
                              (answer.status == questions::HistoryStatus::Found ||
                               answer.status == questions::HistoryStatus::NotModified);
            answered(told && answer.ended != 0 && answer.newest_seq <= seq);
        });
}

}  // namespace herald
