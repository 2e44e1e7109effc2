// How a webhook is doing, for people who watch it.
#pragma once

#include <cstdint>
#include <string>

namespace herald::sidecar {

struct WebhookFigures {
    std::string feed{};
    std::string url{};     // scheme, host and port
    std::string file{};    // name of its files, without what is behind the dot
    uint64_t pending = 0;  // events in the queue
    uint64_t bytes = 0;    // of them
    uint64_t read_seq = 0;
    bool failing = false;
    bool lagging = false;
    // Since the start.
    uint64_t delivered = 0;
    uint64_t failed = 0;  // attempts
    uint64_t dead = 0;
    std::string error{};  // of the last attempt that failed; empty: none has
};

}  // namespace herald::sidecar
