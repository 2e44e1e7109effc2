// What a subscriber gets before its live stream: the past of its channels, read from the ring.
//
// A replay is a list of positions, oldest first, found by walking the channels' back-links from
// their newest record. It is sent in pieces, at the subscriber's own pace. When the list is
// through, whatever came in the meantime is a further list; when there is none, the subscriber
// joins its lane: all of that happens between two events of one thread, so nothing is missed and
// nothing comes twice.
#pragma once

#include <cstdint>
#include <vector>

#include "subscriber.hpp"

namespace herald {

struct Replay {
    std::vector<uint64_t> positions;  // ascending
    size_t next = 0;
};

// Starts what `herald_start`, or the Last-Event-ID in `client_id`, asks for: queues a gap event if
// something is missing, and either begins a replay or joins the lane. Needs a ring.
void begin_history(Subscriber& subscriber);

// Queues the next piece, or joins the lane when there is none.
void continue_history(Subscriber& subscriber);

// A new ring has come while a replay was under way. `same_log`: ids go on; else they were of
// `old_log`.
void restart_replay(Subscriber& subscriber, bool same_log, uint32_t old_log);

}  // namespace herald
