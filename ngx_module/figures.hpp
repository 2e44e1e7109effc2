// The figures that herald_status shows, as tables: one line a figure, with its name in JSON and in
// Prometheus' text. What is shown, and in which order, is decided here; how, in status_json.cpp and
// status_prometheus.cpp.
#pragma once

#include <string>

#include "counters.hpp"
#include "ring/layout.hpp"

namespace herald {

class Worker;
enum class RedisView;
std::string_view name_of(RedisView view);

enum class FigureType : uint8_t { Counter, Gauge };

struct FigureName {
    const char* json;
    const char* prometheus;
    FigureType type;
    const char* help;  // one line without a backslash
};

// Of each worker, and of all together.
struct StreamFigure {
    FigureName name;
    std::atomic<uint64_t> WorkerCounters::*counter;
};
inline constexpr StreamFigure kStreamFigures[] = {
    {{"sse", "herald_sse_streams", FigureType::Gauge, "Open SSE streams."}, &WorkerCounters::sse},
    {{"websocket", "herald_websocket_streams", FigureType::Gauge, "Open WebSocket streams."},
     &WorkerCounters::websocket},
    {{"opened", "herald_streams_opened_total", FigureType::Counter, "Streams opened."},
     &WorkerCounters::opened},
    {{"refused", "herald_requests_refused_total", FigureType::Counter,
      "Requests for a stream answered with an error."},
     &WorkerCounters::refused},
    {{"events_sent", "herald_events_sent_total", FigureType::Counter, "Deliveries of events."},
     &WorkerCounters::events_sent},
    {{"bytes_sent", "herald_bytes_sent_total", FigureType::Counter, "Bytes of deliveries."},
     &WorkerCounters::bytes_sent},
    {{"gaps", "herald_gaps_total", FigureType::Counter, "Gap events told."}, &WorkerCounters::gaps},
    {{"trimmed", "herald_trimmed_events_total", FigureType::Counter,
      "Events that slow subscribers lost."},
     &WorkerCounters::trimmed},
    {{"lapped", "herald_lapped_total", FigureType::Counter,
      "Times that a worker was too slow for the ring."},
     &WorkerCounters::lapped},
    {{"held_bytes", "herald_held_bytes", FigureType::Gauge,
      "Memory of frames that somebody still needs."},
     &WorkerCounters::held_bytes},
    {{"hibernating", "herald_hibernating_streams", FigureType::Gauge,
      "Open streams that have given their request's memory back."},
     &WorkerCounters::hibernating},
};

// Of each worker alone.
inline constexpr StreamFigure kWorkerFigures[] = {
    {{"attached", "herald_worker_attached", FigureType::Gauge,
      "Whether the worker has the sidecar."},
     &WorkerCounters::attached},
    {{"attaches", "herald_worker_attaches_total", FigureType::Counter,
      "Rings that the worker has received."},
     &WorkerCounters::attaches},
    {{"channels", "herald_worker_channels", FigureType::Gauge, "Channels that the worker knows."},
     &WorkerCounters::channels},
    {{"records", "herald_worker_records_total", FigureType::Counter, "Records read from the ring."},
     &WorkerCounters::records},
};

// Of the sidecar, in its ring.
struct SidecarFigure {
    FigureName name;
    ring::Counter counter;
};
inline constexpr SidecarFigure kSidecarFirst[] = {
    {{"received", "herald_received_total", FigureType::Counter, "Messages read from Redis."},
     ring::kReceived},
    {{"published", "herald_published_total", FigureType::Counter, "Events put into the ring."},
     ring::kPublished},
};
inline constexpr SidecarFigure kSidecarRest[] = {
    {{"unmatched", "herald_unmatched_total", FigureType::Counter,
      "Messages on channels that no feed claims."},
     ring::kUnmatched},
    {{"unnamed", "herald_unnamed_total", FigureType::Counter,
      "Events delivered without a name: the event member was no fit name."},
     ring::kUnnamed},
    {{"redis_reconnects", "herald_redis_reconnects_total", FigureType::Counter,
      "Times that Redis was found again."},
     ring::kReconnects},
    {{"duplicates", "herald_duplicates_total", FigureType::Counter,
      "Repeats that a feed's dedupe has dropped."},
     ring::kDuplicates},
    {{"journal_errors", "herald_journal_errors_total", FigureType::Counter,
      "Writes and syncs of the journal that failed."},
     ring::kJournalErrors},
    {{"torn_lines", "herald_journal_torn_lines_total", FigureType::Counter,
      "Incomplete lines set aside when the journal was opened."},
     ring::kTornLines},
    {{"journal_lost", "herald_journal_lost_events_total", FigureType::Counter,
      "Events evicted from the ring before they could be written to the journal."},
     ring::kJournalLost},
};

struct RejectFigure {
    const char* reason;
    ring::Counter counter;
};
inline constexpr RejectFigure kRejects[] = {
    {"empty", ring::kRejectedEmpty},     {"too_large", ring::kRejectedTooLarge},
    {"not_utf8", ring::kRejectedUtf8},   {"not_json", ring::kRejectedJson},
    {"channel", ring::kRejectedChannel},
};

// Everything at one moment.
void append_status_json(std::string& out, const CounterZone& zone, Worker& worker);
void append_status_prometheus(std::string& out, const CounterZone& zone, Worker& worker);

// The sum of a counter over all workers.
template <class Pick>
uint64_t sum_of(const CounterZone& zone, Pick&& pick) {
    uint64_t sum = 0;
    for (const WorkerCounters& one : zone.workers)
        sum += read(pick(one));
    return sum;
}

}  // namespace herald
