// Counters of all workers in nginx shared memory, so that any worker can answer for all of them.
//
// Each worker owns one slot and adds to it; nobody waits for anybody. A slot outlives its worker:
// totals go on with the next owner, gauges start at zero with it and count only while the owner
// lives. Relaxed atomics: figures for people, not for decisions.
#pragma once

#include <atomic>
#include <cstdint>

#include "ngx.hpp"

namespace herald {

enum class CloseReason : uint8_t {
    None,
    Client,
    Ended,
    Drain,
    Slow,
    Idle,
    Lifetime,
    Expired,
    Sidecar,
};
constexpr size_t kCloseReasons = 9;
std::string_view name_of(CloseReason reason);  // as in $herald_close_reason; None: empty

struct WorkerCounters {
    std::atomic<uint64_t> pid;  // 0: free

    // gauges
    std::atomic<uint64_t> sse;          // open streams
    std::atomic<uint64_t> websocket;    // open streams
    std::atomic<uint64_t> hibernating;  // of both, those that sleep (herald_hibernate)
    std::atomic<uint64_t> attached;     // 1: the sidecar is there
    std::atomic<uint64_t> channels;     // names known
    std::atomic<uint64_t> held_bytes;   // memory of frames that somebody still needs

    // totals
    std::atomic<uint64_t> opened;
    std::atomic<uint64_t> closed[kCloseReasons];
    std::atomic<uint64_t> refused;      // requests answered with an error
    std::atomic<uint64_t> records;      // read from the ring
    std::atomic<uint64_t> events_sent;  // deliveries
    std::atomic<uint64_t> bytes_sent;   // past nginx's own counting
    std::atomic<uint64_t> gaps;         // gap events told
    std::atomic<uint64_t> trimmed;      // events that slow subscribers lost
    std::atomic<uint64_t> lapped;       // times that the worker was too slow for the ring
    std::atomic<uint64_t> attaches;     // rings received
};

inline void add(std::atomic<uint64_t>& counter, uint64_t n = 1) {
    counter.fetch_add(n, std::memory_order_relaxed);
}
inline void subtract(std::atomic<uint64_t>& gauge, uint64_t n = 1) {
    gauge.fetch_sub(n, std::memory_order_relaxed);
}
inline uint64_t read(const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
}

struct CounterZone {
    static constexpr size_t kSlots = 256;
    WorkerCounters workers[kSlots];
};

// Declares the shared memory; at configuration time. nullptr: failed, and logged.
ngx_shm_zone_t* add_counter_zone(ngx_conf_t* cf);
// The zone's memory, once nginx has mapped it.
CounterZone* counters_of(ngx_shm_zone_t* zone);
// A slot for this process; never fails: when all are taken, the last one is shared.
WorkerCounters* claim_counters(CounterZone& zone);
void release_counters(WorkerCounters& counters);

}  // namespace herald
