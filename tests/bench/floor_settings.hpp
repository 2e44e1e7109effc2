// The command line of herald_bench_floor.
#pragma once

#include <getopt.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace herald::bench {

struct FloorSettings {
    uint16_t port = 0;
    uint16_t redis_port = 0;
    uint32_t channels = 1;  // bench:0 to bench:<channels - 1>
    bool io_uring = false;  // mode B
    bool coalesce = false;  // mode C
};

[[noreturn]] inline void fail_with_floor_usage() {
    std::fputs("usage: herald_bench_floor --port PORT --redis PORT [--mode A|B|C] [--channels N]\n",
               stderr);
    std::exit(1);
}

inline FloorSettings parse_floor_settings(int argc, char** argv) {
    static const option kLong[] = {
        {"port", required_argument, nullptr, 'p'},
        {"redis", required_argument, nullptr, 'r'},
        {"mode", required_argument, nullptr, 'm'},
        {"channels", required_argument, nullptr, 'c'},
        {nullptr, 0, nullptr, 0},
    };
    FloorSettings settings;
    int letter = 0;
    while ((letter = getopt_long(argc, argv, "", kLong, nullptr)) != -1) {
        switch (letter) {
            case 'p':
                settings.port = static_cast<uint16_t>(std::atoi(optarg));
                break;
            case 'r':
                settings.redis_port = static_cast<uint16_t>(std::atoi(optarg));
                break;
            case 'm':
                settings.io_uring = *optarg == 'B';
                settings.coalesce = *optarg == 'C';
                break;
            case 'c':
                settings.channels = static_cast<uint32_t>(std::atoi(optarg));
                break;
            default:
                fail_with_floor_usage();
        }
    }
    if (settings.port == 0 || settings.redis_port == 0 || settings.channels == 0) {
        fail_with_floor_usage();
    }
    return settings;
}

}  // namespace herald::bench
