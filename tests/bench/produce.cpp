// herald_bench_produce: publishes events to Redis as fast as one subscriber takes them, and says
// how fast that was. It is never more than a window of events ahead of what the subscriber has
// received, so that Redis keeps no endless queue for it, and drops it for none.
//
// Channels are short-lived: each gets 10 events and is done, about 1,000 are under way at any time.
// One slot of the thousand takes its turn after the other; those of a tenth of the slots begin a
// new channel in the same turn. Event g of a run has the number g in its payload, and goes to the
// channel that channel_of(g) names (verify.py knows the same rule).
//
// run.py drives it; README.md says how the figures come about.

#include <getopt.h>
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "payload.hpp"
#include "process_usage.hpp"
#include "progress.hpp"
#include "publisher.hpp"

namespace herald::bench {
namespace {

constexpr uint64_t kSlots = 1000;  // channels under way at any time
constexpr uint64_t kEventsEach = 10;
constexpr uint64_t kBatch = 256;  // events in one write
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kStall = 20 * kSecond;  // nothing received for so long: the subscriber is stuck
constexpr int kNapMs = 1;
constexpr uint64_t kSamples = 10;

constexpr char kUsage[] =
    R"(usage: herald_bench_produce --redis PORT (--ring SOCKET | --count FILE) (--events N | --seconds D) [options]

  --redis PORT         PUBLISH to the Redis there
  --ring SOCKET        the subscriber is the sidecar behind this socket
  --count FILE         the subscriber is herald_bench_discard, which counts there
  --events N           publish so many events
  --seconds D          publish for so long
  --channel NAME       everything to bench:NAME, not ten events to each of many channels
  --jobs               events of jobs, of which views are made; as many bytes
  --rate R             at most R events a second                                (no bound)
  --window K           at most K events ahead of the subscriber                 (50000)
  --subject-pid PID    account the subscriber's CPU, and its memory at every tenth of --events

Prints one line of JSON. Exits with 1 when it could not do what was asked.
)";

struct Options {
    uint16_t redis_port = 0;
    std::string ring{};
    std::string count{};
    uint64_t events = 0;
    double seconds = 0;
    std::string channel{};
    bool jobs = false;
    double rate = 0;  // 0: no bound
    uint64_t window = 50'000;
    pid_t subject = 0;
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "herald_bench_produce: %s\n\n%s", what, kUsage);
    std::exit(1);
}

Options parse_options(int argc, char** argv) {
    static const option kLong[] = {
        {"redis", required_argument, nullptr, 'r'},
        {"ring", required_argument, nullptr, 'R'},
        {"count", required_argument, nullptr, 'c'},
        {"events", required_argument, nullptr, 'n'},
        {"seconds", required_argument, nullptr, 'd'},
        {"channel", required_argument, nullptr, 'C'},
        {"jobs", no_argument, nullptr, 'j'},
        {"window", required_argument, nullptr, 'W'},
        {"rate", required_argument, nullptr, 'a'},
        {"subject-pid", required_argument, nullptr, 's'},
        {nullptr, 0, nullptr, 0},
    };
    Options options;
    auto value = [](double least, double most) {
        char* end = nullptr;
        double number = std::strtod(optarg, &end);
        if (end == optarg || *end != '\0' || !(number >= least && number <= most)) {
            fail("an option has a bad number");
        }
        return number;
    };
    for (int letter; (letter = getopt_long(argc, argv, "", kLong, nullptr)) != -1;) {
        switch (letter) {
            case 'r':
                options.redis_port = static_cast<uint16_t>(value(1, 65535));
                break;
            case 'R':
                options.ring = optarg;
                break;
            case 'c':
                options.count = optarg;
                break;
            case 'n':
                options.events = static_cast<uint64_t>(value(1, kMaxEvents));
                break;
            case 'd':
                options.seconds = value(0.01, 3600);
                break;
            case 'C':
                options.channel = optarg;
                break;
            case 'j':
                options.jobs = true;
                break;
            case 'a':
                options.rate = value(1, 1e7);
                break;
            case 'W':
                options.window = static_cast<uint64_t>(value(kBatch, 1e9));
                break;
            case 's':
                options.subject = static_cast<pid_t>(value(1, 1e9));
                break;
            default:
                fail("unknown or incomplete option");
        }
    }
    if (options.redis_port == 0) {
        fail("--redis is needed");
    }
    if (options.ring.empty() == options.count.empty()) {
        fail("one of --ring and --count is needed");
    }
    if ((options.events == 0) == (options.seconds == 0)) {
        fail("one of --events and --seconds is needed");
    }
    return options;
}

// The channel of event g. In turn t = g / kSlots each slot s publishes once. A slot's first channel
// is s; its next ones are kSlots apart. Slots begin out of step, so that not all channels end
// together.
uint64_t channel_of(uint64_t g) {
    const uint64_t slot = g % kSlots;
    const uint64_t turn = g / kSlots + slot % kEventsEach;
    return turn / kEventsEach * kSlots + slot;
}

struct Memory {
    uint64_t percent;
    uint64_t rss;
    uint64_t pss;
    uint64_t anonymous;  // bytes that are no file's, no ring's
};

class Run {
  public:
    Run(const Options& options, const Progress& progress)
        : options_(options),
          progress_(progress),
          publisher_(Publisher::to_redis(options.redis_port, 0)),
          before_(progress.received()) {}

    // Returns when everything has been received; throws when nothing is received any more.
    void publish_all() {
        started_ns_ = second_ns_ = progress_ns_ = monotonic_ns();
        for (;;) {
            const uint64_t now = monotonic_ns();
            look(now);
            const bool publishing = is_publishing(now);
            if (!publishing && received_ == published_) {
                finished_ns_ = now;
                return;
            }
            if (!publishing || published_ - received_ + kBatch > options_.window || is_early(now)) {
                exchange(POLLIN, kNapMs);
                continue;
            }
            publish_batch(now);
        }
    }

    uint64_t published() const { return published_; }
    uint64_t finished_ns() const { return finished_ns_; }
    double seconds() const { return static_cast<double>(finished_ns_ - started_ns_) / 1e9; }
    // Events received in the worst of the whole seconds in which events were published.
    uint64_t slowest_second() const { return slowest_ == UINT64_MAX ? received_ : slowest_; }
    const std::vector<Memory>& memory() const { return memory_; }

  private:
    bool is_publishing(uint64_t now) const {
        if (options_.events != 0) {
            return published_ < options_.events;
        }
        return static_cast<double>(now - started_ns_) < options_.seconds * 1e9 &&
               published_ < kMaxEvents;
    }

    // Whether the next batch would exceed the rate.
    bool is_early(uint64_t now) const {
        return options_.rate > 0 &&
               static_cast<double>(published_) >
                   static_cast<double>(now - started_ns_) / 1e9 * options_.rate;
    }

    // Takes note of how far the subscriber is.
    void look(uint64_t now) {
        const uint64_t received = progress_.received() - before_;
        if (received != received_) {
            progress_ns_ = now;
        } else if (received_ < published_ && now - progress_ns_ > kStall) {
            throw std::runtime_error("the subscriber received " + std::to_string(received_) +
                                     " of " + std::to_string(published_) + " events (" +
                                     std::to_string(progress_.rejected()) +
                                     " rejected), and then nothing for 20 s");
        }
        received_ = received;
        if (now - second_ns_ >= kSecond) {
            if (is_publishing(now)) {
                slowest_ = std::min(slowest_, received_ - second_received_);
            }
            second_ns_ = now;
            second_received_ = received_;
        }
        if (options_.subject != 0 && options_.events != 0 &&
            received_ * kSamples >= options_.events * (memory_.size() + 1)) {
            weigh();
        }
    }

    void weigh() {
        const std::vector<pid_t> subject{options_.subject};
        memory_.push_back({received_ * 100 / options_.events, rollup_bytes(subject, "Rss:"),
                           pss_bytes(subject), rollup_bytes(subject, "Anonymous:")});
    }

    void publish_batch(uint64_t now) {
        for (uint64_t i = 0; i < kBatch && is_publishing(now); ++i, ++published_) {
            if (options_.jobs) {
                write_job_payload(payload_, published_, now);
            } else {
                write_payload(payload_, published_, now);
            }
            if (options_.channel.empty()) {
                channel_ = std::to_string(channel_of(published_));
            } else {
                channel_ = options_.channel;
            }
            publisher_.publish_to(channel_, payload_);
        }
        while (!publisher_.flush()) {
            exchange(POLLIN | POLLOUT, -1);
        }
        exchange(POLLIN, 0);
    }

    // Waits for Redis, and takes its answers.
    void exchange(short events, int timeout_ms) {
        pollfd redis{publisher_.fd(), events, 0};
        if (poll(&redis, 1, timeout_ms) > 0 && (redis.revents & ~POLLOUT) != 0) {
            publisher_.read_replies();
        }
        if (publisher_.refused() != 0) {
            throw std::runtime_error("Redis refused an event");
        }
    }

    const Options& options_;
    const Progress& progress_;
    Publisher publisher_;
    std::string channel_{};
    std::string payload_{};
    uint64_t before_;  // what the subscriber had received when we came
    uint64_t published_ = 0;
    uint64_t received_ = 0;
    uint64_t started_ns_ = 0;
    uint64_t finished_ns_ = 0;
    uint64_t progress_ns_ = 0;  // when something was received
    uint64_t second_ns_ = 0;    // when this second began
    uint64_t second_received_ = 0;
    uint64_t slowest_ = UINT64_MAX;
    std::vector<Memory> memory_{};
};

void report_run(const Run& run, const Progress& progress, uint64_t subject_ns) {
    using Long = unsigned long long;
    const auto events = static_cast<double>(run.published());
    std::printf("{\"published\":%llu,\"seconds\":%.3f,\"events_per_second\":%.0f,",
                static_cast<Long>(run.published()), run.seconds(), events / run.seconds());
    std::printf("\"slowest_second\":%llu,\"last_seq\":%llu,\"finished\":%.6f,",
                static_cast<Long>(run.slowest_second()), static_cast<Long>(progress.last_seq()),
                static_cast<double>(run.finished_ns()) / 1e9);
    std::printf("\"subject_cpu_us_per_event\":%.3f,\"memory\":[",
                static_cast<double>(subject_ns) / 1e3 / events);
    const char* comma = "";
    for (const Memory& sample : run.memory()) {
        std::printf("%s{\"percent\":%llu,\"rss\":%llu,\"pss\":%llu,\"anonymous\":%llu}", comma,
                    static_cast<Long>(sample.percent), static_cast<Long>(sample.rss),
                    static_cast<Long>(sample.pss), static_cast<Long>(sample.anonymous));
        comma = ",";
    }
    std::printf("]}\n");
}

void produce(const Options& options) {
    std::unique_ptr<Progress> progress;
    if (options.ring.empty()) {
        progress = std::make_unique<SharedCount>(options.count, false);
    } else {
        progress = std::make_unique<RingCount>(options.ring);
    }
    std::vector<pid_t> subject;
    if (options.subject != 0) {
        subject.push_back(options.subject);
    }

    Run run(options, *progress);
    const uint64_t cpu_before = cpu_ns(subject);
    run.publish_all();
    report_run(run, *progress, cpu_ns(subject) - cpu_before);
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
    using namespace herald::bench;
    try {
        produce(parse_options(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "herald_bench_produce: %s\n", error.what());
        return 1;
    }
    return 0;
}
