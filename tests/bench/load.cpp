// herald_bench_load: one load generator for all servers. Opens subscribers, publishes numbered
// events at a rate or as fast as they go, and prints one line of JSON: what arrived, what did not,
// how long it took, what it cost the server. One thread, one epoll loop; publisher and subscribers
// share a clock and a table of send times.
//
// run.py drives it; README.md says how the figures come about.

#include <sys/timerfd.h>

#include <cstdio>

#include "opening.hpp"
#include "options.hpp"
#include "process_usage.hpp"
#include "publisher.hpp"
#include "subscribers.hpp"

namespace herald::bench {
namespace {

constexpr uint64_t kPublisherTag = UINT64_MAX;
constexpr uint64_t kTimerTag = UINT64_MAX - 1;
constexpr int kEventsPerRound = 256;
constexpr int kTickMs = 20;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kStall = 10 * kSecond;  // nothing delivered for so long: the rest is lost

// Publishes and receives until everything has arrived or nothing does any more.
class Run {
  public:
    Run(const Options& options, int epoll, Subscribers& subscribers)
        : options_(options),
          epoll_(epoll),
          subscribers_(subscribers),
          publisher_(open_publisher()) {
        watch(epoll_, EPOLL_CTL_ADD, publisher_.fd(), EPOLLIN, kPublisherTag);
        if (options_.rate > 0) {
            start_timer();
        }
    }

    void publish_and_receive() {
        started_ns_ = last_progress_ns_ = monotonic_ns();
        reads_before_ = subscribers_.reads();
        const uint64_t stop_ns = started_ns_ + static_cast<uint64_t>(options_.seconds * 1e9);
        uint64_t now = started_ns_;
        while (now < stop_ns || !done(now)) {
            if (now < stop_ns && options_.rate <= 0) {
                fill_window();
            }
            take_round(now < stop_ns);
            now = monotonic_ns();
        }
    }

    const Publisher& publisher() const { return publisher_; }
    uint64_t published() const { return published_; }
    uint64_t started_ns() const { return started_ns_; }
    // Of the subscribers, since the first event: those of response heads are not among them.
    uint64_t reads() const { return subscribers_.reads() - reads_before_; }

  private:
    Publisher open_publisher() const {
        return options_.redis_port != 0
                   ? Publisher::to_redis(options_.redis_port, options_.channels)
                   : Publisher::to_http(options_.post_port, options_.post_path, options_.channels);
    }

    void start_timer() {
        timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        auto period = static_cast<uint64_t>(1e9 / options_.rate);
        timespec every{static_cast<time_t>(period / kSecond), static_cast<long>(period % kSecond)};
        itimerspec timer{every, every};
        if (timerfd_settime(timer_.get(), 0, &timer, nullptr) != 0) {
            throw_errno("timerfd_settime");
        }
        watch(epoll_, EPOLL_CTL_ADD, timer_.get(), EPOLLIN, kTimerTag);
    }

    // Event g goes to channel g % C as that channel's event number g / C.
    void publish_one() {
        auto channel = static_cast<uint32_t>(published_ % options_.channels);
        uint64_t now = monotonic_ns();
        write_payload(payload_, published_ / options_.channels, now);
        publisher_.publish(channel, payload_);
        subscribers_.published(channel, now);
        ++published_;
    }

    void fill_window() {
        uint64_t everybody_has =
            std::min(published_, subscribers_.ledger().slowest() * options_.channels);
        uint64_t most = std::min(everybody_has + options_.window, kMaxEvents);
        if (published_ >= most) {
            return;
        }
        while (published_ < most) {
            publish_one();
        }
        flush();
    }

    void publish_what_is_due() {
        uint64_t due = 0;
        if (::read(timer_.get(), &due, sizeof due) != sizeof due) {
            return;
        }
        for (uint64_t i = 0; i < due && published_ < kMaxEvents; ++i) {
            publish_one();
        }
        flush();
    }

    void flush() {
        bool blocked = !publisher_.flush();
        if (blocked != awaits_room_) {
            awaits_room_ = blocked;
            uint32_t events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
            watch(epoll_, EPOLL_CTL_MOD, publisher_.fd(), events, kPublisherTag);
        }
    }

    void take_round(bool publishing) {
        epoll_event events[kEventsPerRound];
        int ready = epoll_wait(epoll_, events, kEventsPerRound, kTickMs);
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[i];
            if (event.data.u64 == kTimerTag) {
                if (publishing) {
                    publish_what_is_due();
                } else {
                    watch(epoll_, EPOLL_CTL_DEL, timer_.get(), 0, kTimerTag);
                }
            } else if (event.data.u64 == kPublisherTag) {
                publisher_.read_replies();
                flush();
            } else {
                subscribers_.read(event.data.u64);
            }
        }
    }

    bool done(uint64_t now) {
        if (subscribers_.ledger().delivered() == subscribers_.owed()) {
            return true;
        }
        last_progress_ns_ = std::max(last_progress_ns_, subscribers_.last_delivery_ns());
        return now - last_progress_ns_ > kStall;
    }

    const Options& options_;
    int epoll_;
    Subscribers& subscribers_;
    Publisher publisher_;
    Fd timer_;
    std::string payload_;
    bool awaits_room_ = false;
    uint64_t published_ = 0;
    uint64_t started_ns_ = 0;
    uint64_t reads_before_ = 0;
    uint64_t last_progress_ns_ = 0;
};

void report_run(const Options& options, const Run& run, const Subscribers& subscribers,
                double connect_seconds, uint64_t server_ns, uint64_t sidecar_ns) {
    const Ledger& ledger = subscribers.ledger();
    const Histogram& latency = subscribers.latency();
    uint64_t last_ns = std::max(subscribers.last_delivery_ns(), run.started_ns());
    double seconds = static_cast<double>(last_ns - run.started_ns()) / 1e9;
    auto delivered = static_cast<double>(ledger.delivered());
    auto per = [](double value, double divisor) { return divisor > 0 ? value / divisor : 0; };

    std::printf(
        "{\"subscribers\":%u,\"channels\":%u,\"transport\":\"%s\",\"connect_seconds\":%.3f,",
        options.subscribers, options.channels, options.websocket ? "websocket" : "sse",
        connect_seconds);
    std::printf("\"published\":%llu,\"accepted\":%llu,\"refused\":%llu,\"seconds\":%.4f,",
                static_cast<unsigned long long>(run.published()),
                static_cast<unsigned long long>(run.publisher().accepted()),
                static_cast<unsigned long long>(run.publisher().refused()), seconds);
    // Of what was offered in the time of publishing, how much arrived as fast: 1 when none was
    // late.
    const double offered = options.rate * options.subscribers / options.channels;
    std::printf("\"share_of_offered\":%.4f,", per(per(delivered, seconds), offered));
    std::printf("\"deliveries\":%llu,\"deliveries_per_second\":%.0f,\"reads\":%llu,",
                static_cast<unsigned long long>(ledger.delivered()), per(delivered, seconds),
                static_cast<unsigned long long>(run.reads()));
    print_faults(subscribers);
    std::printf("\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},",
                microseconds(latency.at(0.5)), microseconds(latency.at(0.9)),
                microseconds(latency.at(0.99)), microseconds(latency.max()));
    std::printf(
        "\"server_cpu_us\":%.0f,\"cpu_us_per_delivery\":%.4f,\"sidecar_cpu_us\":%.0f,"
        "\"sidecar_cpu_us_per_event\":%.3f}\n",
        microseconds(server_ns), per(microseconds(server_ns), delivered), microseconds(sidecar_ns),
        per(microseconds(sidecar_ns), static_cast<double>(run.published())));
}

void measure(const Options& options) {
    raise_file_limit(options.subscribers + 64);
    Fd epoll(epoll_create1(EPOLL_CLOEXEC));
    Subscribers subscribers(options, epoll.get());
    const Accounts accounts{with_descendants(options.server_pids),
                            with_descendants(options.sidecar_pids)};
    if (options.idle) {
        open_idle(options, subscribers, accounts);
        return;
    }
    if (!options.resume_from.empty()) {
        resume(options, epoll.get(), subscribers, accounts);
        return;
    }

    uint64_t connecting_ns = monotonic_ns();
    subscribers.connect_all();
    double connect_seconds = static_cast<double>(monotonic_ns() - connecting_ns) / 1e9;

    Run run(options, epoll.get(), subscribers);
    uint64_t server_before = cpu_ns(accounts.server);
    uint64_t sidecar_before = cpu_ns(accounts.sidecar);
    run.publish_and_receive();
    uint64_t server_after = cpu_ns(accounts.server);
    uint64_t sidecar_after = cpu_ns(accounts.sidecar);

    report_run(options, run, subscribers, connect_seconds, server_after - server_before,
               sidecar_after - sidecar_before);
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
    using namespace herald::bench;
    try {
        measure(parse_options(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "herald_bench_load: %s\n", error.what());
        return 1;
    }
    return 0;
}
