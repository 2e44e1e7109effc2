// What it costs a server that connections open: idle ones, and ones that resume. Each prints one
// line of JSON.
#pragma once

#include <cstdint>
#include <vector>

#include "options.hpp"
#include "subscribers.hpp"

namespace herald::bench {

inline double microseconds(uint64_t ns) {
    return static_cast<double>(ns) / 1e3;
}

// Prints what was lost and the like, as members of a JSON object that goes on behind them.
void print_faults(const Subscribers& subscribers);

// The processes to account.
struct Accounts {
    std::vector<pid_t> server;
    std::vector<pid_t> sidecar;
};

// CPU until all have their response head, and memory once all is quiet.
void open_idle(const Options& options, Subscribers& subscribers, const Accounts& accounts);

// Everybody resumes at once. The clock runs from the first request to the last event.
void resume(const Options& options, int epoll, Subscribers& subscribers, const Accounts& accounts);

}  // namespace herald::bench
