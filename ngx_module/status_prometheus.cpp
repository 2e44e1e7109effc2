// herald_status in Prometheus' text format, version 0.0.4. Names end in _total for counters; what
// is said of each worker has the label `worker`, its process id.
#include <string_view>

#include "figures.hpp"
#include "worker.hpp"

namespace herald {

namespace {

void add_head(std::string& out, const FigureName& name) {
    out.append("# HELP ").append(name.prometheus).append(" ").append(name.help);
    out.append("\n# TYPE ").append(name.prometheus);
    out.append(name.type == FigureType::Counter ? " counter\n" : " gauge\n");
}

// Labels, where there are any, in braces.
void add_sample(std::string& out, const FigureName& name, std::string_view labels, uint64_t value) {
    out.append(name.prometheus).append(labels).append(" ").append(std::to_string(value));
    out.push_back('\n');
}

void add_figure(std::string& out, const FigureName& name, uint64_t value) {
    add_head(out, name);
    add_sample(out, name, "", value);
}

std::string label(std::string_view name, std::string_view value) {
    std::string text = "{";
    return text.append(name).append("=\"").append(value).append("\"}");
}

void add_gauge(std::string& out, const char* name, const char* help, uint64_t value) {
    add_figure(out, {nullptr, name, FigureType::Gauge, help}, value);
}

void add_ring(std::string& out, const AttachedRing& ring) {
    const ring::Header& header = ring.header();
    add_gauge(out, "herald_journal_working", "Whether events reach the journal.",
              header.journal.load(std::memory_order_relaxed) == ring::JournalState::Working);
    add_gauge(out, "herald_last_seq", "The newest seq in the ring.", read(header.last_seq));
    add_gauge(out, "herald_journaled_seq", "The newest seq in the journal.",
              read(header.journaled_seq));
    add_gauge(out, "herald_ring_size_bytes", "Record space of the ring.", ring.mapping.capacity());
    const uint64_t tail = read(header.tail);
    add_gauge(out, "herald_ring_used_bytes", "Record space in use.", tail - read(header.oldest));

    for (const SidecarFigure& figure : kSidecarFirst)
        add_figure(out, figure.name, read(header.counters[figure.counter]));
    const FigureName rejected{nullptr, "herald_rejected_total", FigureType::Counter,
                              "Messages refused, by reason."};
    add_head(out, rejected);
    for (const RejectFigure& figure : kRejects)
        add_sample(out, rejected, label("reason", figure.reason),
                   read(header.counters[figure.counter]));
    for (const SidecarFigure& figure : kSidecarRest)
        add_figure(out, figure.name, read(header.counters[figure.counter]));
}

void add_streams(std::string& out, const CounterZone& zone) {
    for (const StreamFigure& figure : kStreamFigures)
        add_figure(out, figure.name,
                   sum_of(
                       zone, [&](auto& one) -> auto& { return one.*figure.counter; }));
    const FigureName closed{nullptr, "herald_streams_closed_total", FigureType::Counter,
                            "Streams that have ended, by reason."};
    add_head(out, closed);
    for (size_t reason = 1; reason < kCloseReasons; ++reason)
        add_sample(out, closed, label("reason", name_of(static_cast<CloseReason>(reason))),
                   sum_of(
                       zone, [&](auto& one) -> auto& { return one.closed[reason]; }));
}

void add_workers(std::string& out, const CounterZone& zone) {
    for (const StreamFigure& figure : kWorkerFigures) {
        add_head(out, figure.name);
        for (const WorkerCounters& one : zone.workers) {
            const uint64_t pid = read(one.pid);
            if (pid != 0)
                add_sample(out, figure.name, label("worker", std::to_string(pid)),
                           read(one.*figure.counter));
        }
    }
}

}  // namespace

void append_status_prometheus(std::string& out, const CounterZone& zone, Worker& worker) {
    add_gauge(out, "herald_sidecar_up", "Whether this worker has the sidecar.",
              worker.redis() != RedisView::Unknown);
    add_gauge(out, "herald_redis_up", "Whether the sidecar has Redis.",
              worker.redis() == RedisView::Connected);
    if (worker.ring() != nullptr)
        add_ring(out, *worker.ring());
    add_streams(out, zone);
    add_workers(out, zone);
}

}  // namespace herald
