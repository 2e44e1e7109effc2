// What a subscriber gets before its live stream: the past of its channels.
//
//   index ──pieces──▶ ring ──list of positions──▶ lane
//
// What is older than the ring, the sidecar answers from its index, a piece at a time: the next one
// is asked for when the last one has left, so that the subscriber's pace is the limit. What the
// ring has is a list of positions, oldest first, found by walking the channels' back-links. When
// the list is through, whatever came in the meantime is a further list, and what the ring has lost
// in the meantime is asked for again; when there is none, the subscriber joins its lane. All of
// that happens between two events of one thread, so nothing is missed and nothing comes twice.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ring/layout.hpp"
#include "subscriber.hpp"

namespace herald {

// A gap to be told as soon as it is known where it ends.
struct PendingGap {
    GapReason reason;
    std::optional<EventId> from;
};

struct Fill;

struct Replay {
    std::vector<uint64_t> positions{};  // in the ring, ascending
    size_t next = 0;

    bool waits = false;     // for an answer, for a sidecar to ask, or for what fills an event
    Fill* fill = nullptr;   // that it waits for; nullptr: none
    size_t fill_place = 0;  // among those that do
    uint64_t question = 0;  // with the sidecar, see Asks; 0: none
    uint64_t up_to = 0;     // what is asked of the index ends here; 0: nothing is
    // Of the index's events, in the next answer. It grows while the subscriber takes them, as each
    // question costs a way to the sidecar and back; one who takes none holds no more than the
    // first.
    uint32_t answer_bytes = 32 * 1024;
    size_t newest = 0;      // it begins with this many of the newest events; 0: behind last_seq
    uint64_t told_to = 0;   // a gap up to this seq has been told already
    uint64_t retry_ms = 0;  // when to ask again, as the index could not answer; 0: not
    uint32_t retries = 0;
    std::optional<PendingGap> gap{};
};

// Starts what `herald_start`, or the Last-Event-ID in `client_id`, asks for: queues a gap event if
// something is missing, and either begins a replay or joins the lane. Needs a ring.
void begin_history(Subscriber& subscriber);

// Queues the next piece, asks for it, or joins the lane when there is none. Nothing while an answer
// is awaited.
void continue_history(Subscriber& subscriber);

// A new ring has come while a replay was under way. `same_log`: ids go on; else they were of
// `old_log`.
void restart_replay(Subscriber& subscriber, bool same_log, uint32_t old_log);

// From the lane back into a replay: what the subscriber has not had yet, it gets from the ring. Not
// from within a lane's loop. Whoever calls it delivers.
void leave_for_replay(Subscriber& subscriber);
// The same for a stream whose next event is not for its lane.
void replay_to_end(Subscriber& subscriber);

// It is time to ask again.
void retry_replay(Subscriber& subscriber);

// Nobody is there any more for the answer that is awaited.
void cancel_replay(Subscriber& subscriber);

// Whether a log was one of this sidecar's before the present one.
bool is_past_log(const ring::Header& header, uint32_t log);

}  // namespace herald
