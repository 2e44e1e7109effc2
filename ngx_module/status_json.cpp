// herald_status as one JSON object: the sidecar, all workers together, and each of them.
#include <string_view>

#include "encoding.hpp"
#include "figures.hpp"
#include "worker.hpp"

namespace herald {

namespace {

// Builds one JSON object; members in the order in which they are added.
class Object {
  public:
    explicit Object(std::string& out) : out_(out) { out_.push_back('{'); }
    ~Object() { out_.push_back('}'); }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    void number(std::string_view name, uint64_t value) { key(name).append(std::to_string(value)); }
    void text(std::string_view name, std::string_view value) {
        key(name).push_back('"');
        append_json_text(out_, value);
        out_.push_back('"');
    }
    // The value is whatever the caller appends next.
    std::string& key(std::string_view name) {
        if (!std::exchange(first_, false))
            out_.push_back(',');
        return out_.append("\"").append(name).append("\":");
    }

  private:
    std::string& out_;
    bool first_ = true;
};

template <class Figures>
void add_sidecar_figures(Object& object, const ring::Header& header, const Figures& figures) {
    for (const SidecarFigure& figure : figures)
        object.number(figure.name.json, read(header.counters[figure.counter]));
}

void add_ring(std::string& out, const AttachedRing& ring) {
    const ring::Header& header = ring.header();
    const uint64_t tail = header.tail.load(std::memory_order_relaxed);
    const uint64_t oldest = header.oldest.load(std::memory_order_relaxed);
    const uint64_t evicted = header.evicted_seq.load(std::memory_order_relaxed);
    Object object(out);
    object.number("size", ring.mapping.capacity());
    object.number("used", tail - oldest);
    object.text("oldest_id", ring::to_string({header.log, evicted + 1}));
}

void add_sidecar(std::string& out, Worker& worker) {
    Object object(out);
    object.text("state", worker.redis() == RedisView::Unknown ? "disconnected" : "connected");
    object.text("redis", name_of(worker.redis()));
    const AttachedRing* ring = worker.ring();
    if (ring == nullptr)
        return;

    const ring::Header& header = ring->header();
    const bool failing =
        header.journal.load(std::memory_order_relaxed) == ring::JournalState::Failing;
    object.text("journal", failing ? "failing" : "working");
    object.text("last_id", ring::to_string({header.log, read(header.last_seq)}));
    object.text("journaled_id", ring::to_string({header.log, read(header.journaled_seq)}));
    add_sidecar_figures(object, header, kSidecarFirst);
    {
        object.key("rejected");
        Object rejected(out);
        for (const RejectFigure& figure : kRejects)
            rejected.number(figure.reason, read(header.counters[figure.counter]));
    }
    add_sidecar_figures(object, header, kSidecarRest);
    object.key("ring");
    add_ring(out, *ring);
}

void add_streams(std::string& out, const CounterZone& zone) {
    Object streams(out);
    for (const StreamFigure& figure : kStreamFigures)
        streams.number(figure.name.json,
                       sum_of(
                           zone, [&](auto& one) -> auto& { return one.*figure.counter; }));
    streams.key("closed");
    Object closed(out);
    for (size_t reason = 1; reason < kCloseReasons; ++reason)
        closed.number(name_of(static_cast<CloseReason>(reason)),
                      sum_of(
                          zone, [&](auto& one) -> auto& { return one.closed[reason]; }));
}

void add_workers(std::string& out, const CounterZone& zone) {
    out.push_back('[');
    bool first = true;
    for (const WorkerCounters& one : zone.workers) {
        if (read(one.pid) == 0)
            continue;
        if (!std::exchange(first, false))
            out.push_back(',');
        Object figures(out);
        figures.number("pid", read(one.pid));
        for (const StreamFigure& figure : kWorkerFigures)
            figures.number(figure.name.json, read(one.*figure.counter));
        for (const StreamFigure& figure : kStreamFigures)
            figures.number(figure.name.json, read(one.*figure.counter));
    }
    out.push_back(']');
}

}  // namespace

std::string_view name_of(RedisView view) {
    return view == RedisView::Connected ? "connected"
           : view == RedisView::Lost    ? "disconnected"
                                        : "unknown";
}

void append_status_json(std::string& out, const CounterZone& zone, Worker& worker) {
    Object object(out);
    object.key("sidecar");
    add_sidecar(out, worker);
    object.key("streams");
    add_streams(out, zone);
    object.key("workers");
    add_workers(out, zone);
}

}  // namespace herald
