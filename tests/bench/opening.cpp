#include "opening.hpp"

#include <chrono>
#include <cstdio>
#include <thread>

#include "process_usage.hpp"

namespace herald::bench {
namespace {

constexpr int kEventsPerRound = 256;
constexpr int kTickMs = 20;
constexpr uint64_t kStall = 3'000'000'000;  // nothing delivered for so long: the rest is lost

void receive_what_is_owed(const Options& options, int epoll, Subscribers& subscribers) {
    epoll_event events[kEventsPerRound];
    for (uint64_t now = monotonic_ns(), last = now;
         subscribers.ledger().delivered() < subscribers.owed() && now - last < kStall;
         now = monotonic_ns(), last = std::max(last, subscribers.last_delivery_ns())) {
        int ready = epoll_wait(epoll, events, kEventsPerRound, options.spin ? 0 : kTickMs);
        for (int i = 0; i < ready; ++i) {
            subscribers.read(events[i].data.u64);
        }
    }
}

}  // namespace

void print_faults(const Subscribers& subscribers) {
    const Ledger& ledger = subscribers.ledger();
    std::printf(
        "\"lost\":%llu,\"duplicated\":%llu,\"out_of_order\":%llu,\"foreign\":%llu,\"closed\":%zu,",
        static_cast<unsigned long long>(subscribers.owed() - ledger.delivered()),
        static_cast<unsigned long long>(ledger.duplicated()),
        static_cast<unsigned long long>(ledger.out_of_order()),
        static_cast<unsigned long long>(ledger.foreign()), subscribers.closed_by_server());
}

void open_idle(const Options& options, Subscribers& subscribers, const Accounts& accounts) {
    const uint64_t pss_before = pss_bytes(accounts.server);
    const uint64_t server_before = cpu_ns(accounts.server);
    const uint64_t sidecar_before = cpu_ns(accounts.sidecar);
    const uint64_t started = monotonic_ns();
    subscribers.connect_all();
    const double seconds = static_cast<double>(monotonic_ns() - started) / 1e9;
    const uint64_t server_ns = cpu_ns(accounts.server) - server_before;
    const uint64_t sidecar_ns = cpu_ns(accounts.sidecar) - sidecar_before;
    std::this_thread::sleep_for(std::chrono::duration<double>(options.settle_seconds));
    const uint64_t pss_after = pss_bytes(accounts.server);

    const double count = options.subscribers;
    std::printf("{\"subscribers\":%u,\"transport\":\"%s\",\"connect_seconds\":%.4f,",
                options.subscribers, options.websocket ? "websocket" : "sse", seconds);
    std::printf(
        "\"cpu_us_per_connection\":%.3f,\"sidecar_cpu_us_per_connection\":%.3f,"
        "\"pss_before\":%llu,\"pss_after\":%llu,\"pss_bytes_per_connection\":%.1f}\n",
        microseconds(server_ns) / count, microseconds(sidecar_ns) / count,
        static_cast<unsigned long long>(pss_before), static_cast<unsigned long long>(pss_after),
        (static_cast<double>(pss_after) - static_cast<double>(pss_before)) / count);
}

void resume(const Options& options, int epoll, Subscribers& subscribers, const Accounts& accounts) {
    const uint64_t server_before = cpu_ns(accounts.server);
    const uint64_t sidecar_before = cpu_ns(accounts.sidecar);
    const uint64_t started = monotonic_ns();
    for (uint32_t channel = 0; channel < options.channels; ++channel) {
        for (uint64_t i = 0; i < options.resume_events; ++i) {
            subscribers.published(channel, started);
        }
    }

    subscribers.connect_all();
    receive_what_is_owed(options, epoll, subscribers);

    const Ledger& ledger = subscribers.ledger();
    if (ledger.delivered() == 0) {
        throw std::runtime_error("nobody received an event behind " + options.resume_from);
    }
    const uint64_t last_ns = std::max(subscribers.last_delivery_ns(), started + 1);
    const double seconds = static_cast<double>(last_ns - started) / 1e9;
    const auto delivered = static_cast<double>(ledger.delivered());
    std::printf("{\"subscribers\":%u,\"events\":%llu,\"seconds\":%.5f,\"events_per_second\":%.0f,",
                options.subscribers, static_cast<unsigned long long>(ledger.delivered()), seconds,
                delivered / seconds);
    print_faults(subscribers);
    std::printf("\"server_cpu_us_per_event\":%.3f,\"sidecar_cpu_us_per_event\":%.3f}\n",
                microseconds(cpu_ns(accounts.server) - server_before) / delivered,
                microseconds(cpu_ns(accounts.sidecar) - sidecar_before) / delivered);
}

}  // namespace herald::bench
