#include "options.hpp"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "payload.hpp"

namespace herald::bench {
namespace {

constexpr char kUsage[] =
    R"(usage: herald_bench_load --port PORT (--redis PORT | --post-port PORT | --idle | --resume ID) [options]

  --port PORT           where the server listens on 127.0.0.1
  --path PATH           what subscribers ask for; %d is the channel          (/s/%d)
  --websocket           upgrade to WebSocket instead of SSE
  --tls                 TLS 1.3
  --http2 S             HTTP/2 in TLS, S subscribers a connection
  --subscribers N       connections, or with --http2 streams                 (1)
  --channels C          subscriber i listens to channel i % C                (1)
  --at-once N           so many connections open at a time                   (256)
  --spin                do not sleep while they open
  --redis PORT          publish with PUBLISH bench:<channel>
  --post-port PORT      publish with POST on a kept-alive connection
  --post-path PATH      where to; %d is the channel                          (/p/%d)
  --rate R              events a second; 0: as fast as they go               (0)
  --window W            at most W events that not everybody has, at rate 0   (512)
  --seconds D           how long to publish                                  (3)
  --resume ID           publish nothing, send ID as Last-Event-ID
  --events N            how many events each channel has behind it
  --idle                publish nothing, report CPU and memory per connection
  --settle D            seconds of quiet before memory is read               (2)
  --server-pid PID      account this process and its descendants (repeatable)
  --sidecar-pid PID     account this one apart (repeatable)

Prints one line of JSON. Exits with 1 when it could not do what was asked.
)";

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "herald_bench_load: %s\n\n%s", what, kUsage);
    std::exit(1);
}

double number(const char* name, const char* text, double least, double most) {
    char* end = nullptr;
    double value = std::strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        fail((std::string("bad value for --") + name).c_str());
    }
    return value;
}

void check(const Options& options) {
    if (options.port == 0) {
        fail("--port is needed");
    }
    int targets = (options.redis_port != 0) + (options.post_port != 0) + options.idle +
                  !options.resume_from.empty();
    if (targets != 1) {
        fail("one of --redis, --post-port, --idle and --resume is needed");
    }
    if (options.resume_from.empty() != (options.resume_events == 0)) {
        fail("--resume and --events belong together");
    }
    if (options.streams > 0 && (options.websocket || !options.resume_from.empty())) {
        fail("--http2 goes with neither --websocket nor --resume");
    }
    if (options.streams > 0 && options.subscribers % options.streams != 0) {
        fail("--subscribers must be a multiple of what --http2 says");
    }
    if (options.channels > options.subscribers) {
        fail("--channels must not exceed --subscribers: every channel needs one");
    }
}

}  // namespace

Options parse_options(int argc, char** argv) {
    static const option kLong[] = {
        {"port", required_argument, nullptr, 'p'},
        {"path", required_argument, nullptr, 'u'},
        {"websocket", no_argument, nullptr, 'w'},
        {"tls", no_argument, nullptr, 't'},
        {"http2", required_argument, nullptr, 'h'},
        {"at-once", required_argument, nullptr, 'a'},
        {"spin", no_argument, nullptr, 'x'},
        {"subscribers", required_argument, nullptr, 'n'},
        {"channels", required_argument, nullptr, 'c'},
        {"redis", required_argument, nullptr, 'r'},
        {"post-port", required_argument, nullptr, 'P'},
        {"post-path", required_argument, nullptr, 'U'},
        {"rate", required_argument, nullptr, 'R'},
        {"window", required_argument, nullptr, 'W'},
        {"seconds", required_argument, nullptr, 'd'},
        {"resume", required_argument, nullptr, 'l'},
        {"events", required_argument, nullptr, 'e'},
        {"idle", no_argument, nullptr, 'i'},
        {"settle", required_argument, nullptr, 'q'},
        {"server-pid", required_argument, nullptr, 's'},
        {"sidecar-pid", required_argument, nullptr, 'S'},
        {nullptr, 0, nullptr, 0},
    };

    Options options;
    int letter = 0;
    int index = 0;
    while ((letter = getopt_long(argc, argv, "", kLong, &index)) != -1) {
        if (letter == '?') {
            fail("unknown or incomplete option");
        }
        auto value = [&](double least, double most) {
            return number(kLong[index].name, optarg, least, most);
        };
        switch (letter) {
            case 'p':
                options.port = static_cast<uint16_t>(value(1, 65535));
                break;
            case 'u':
                options.path = optarg;
                break;
            case 'w':
                options.websocket = true;
                break;
            case 't':
                options.tls = true;
                break;
            case 'h':
                options.streams = static_cast<uint32_t>(value(1, 1000));
                options.tls = true;
                break;
            case 'a':
                options.at_once = static_cast<uint32_t>(value(1, 1e6));
                break;
            case 'x':
                options.spin = true;
                break;
            case 'n':
                options.subscribers = static_cast<uint32_t>(value(1, 1e6));
                break;
            case 'c':
                options.channels = static_cast<uint32_t>(value(1, 1e6));
                break;
            case 'r':
                options.redis_port = static_cast<uint16_t>(value(1, 65535));
                break;
            case 'P':
                options.post_port = static_cast<uint16_t>(value(1, 65535));
                break;
            case 'U':
                options.post_path = optarg;
                break;
            case 'R':
                options.rate = value(0, 1e6);
                break;
            case 'W':
                options.window = static_cast<uint32_t>(value(1, 1e6));
                break;
            case 'd':
                options.seconds = value(0.01, 3600);
                break;
            case 'l':
                options.resume_from = optarg;
                break;
            case 'e':
                options.resume_events = static_cast<uint64_t>(value(1, kMaxEvents));
                break;
            case 'i':
                options.idle = true;
                break;
            case 'q':
                options.settle_seconds = value(0, 3600);
                break;
            case 's':
                options.server_pids.push_back(static_cast<pid_t>(value(1, 1e9)));
                break;
            case 'S':
                options.sidecar_pids.push_back(static_cast<pid_t>(value(1, 1e9)));
                break;
        }
    }
    check(options);
    return options;
}

}  // namespace herald::bench
