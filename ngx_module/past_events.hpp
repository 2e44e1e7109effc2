// One event or notice of the past, on its way to a subscriber, wherever it was kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ring/layout.hpp"
#include "subscriber.hpp"

namespace herald {

class Worker;

// What has been encoded of a piece so far.
struct Piece {
    std::string bytes{};

    void flush(Subscriber& s) {
        if (!bytes.empty())
            s.push_encoded(std::exchange(bytes, {}));
    }
};

struct PastEvent {
    ring::Kind kind;
    uint8_t flags;
    uint64_t seq;
    uint64_t from_seq;
    std::string_view channel, event, data;
};

enum class Taken {
    Queued,
    Ended,  // the stream, and its replay is gone
    Waits,  // for what fills it: to be taken again
};

// Adds it to the piece, or queues it behind what is in the piece: then that is flushed first. Moves
// the subscriber's last id on, unless it waits.
Taken take_past(Worker& worker, Subscriber& s, Piece& piece, const PastEvent& past);

}  // namespace herald
