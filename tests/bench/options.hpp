// The command line of herald_bench_load.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace herald::bench {

struct Options {
    // Subscribers.
    uint16_t port = 0;
    std::string path = "/s/%d";  // %d becomes the number of the channel
    bool websocket = false;
    bool tls = false;      // TLS 1.3; the certificate is not checked
    uint32_t streams = 0;  // HTTP/2 in TLS, with so many subscribers a connection; 0: HTTP/1.1
    uint32_t subscribers = 1;
    uint32_t channels = 1;   // subscriber i listens to channel i % channels
    uint32_t at_once = 256;  // that await their response at a time: below every server's backlog
    bool spin = false;       // poll while connecting: the server pays for no wake-up of ours

    // Where events go: PUBLISH bench:<channel> to Redis, or POST to post_path.
    uint16_t redis_port = 0;
    uint16_t post_port = 0;
    std::string post_path = "/p/%d";

    // How: `rate` events a second, or, when it is 0, as fast as they go with at most `window`
    // events that have not reached every subscriber.
    double rate = 0;
    uint32_t window = 512;
    double seconds = 3;

    // Nothing is published: the channels have `resume_events` events behind the id `resume_from`,
    // which every subscriber resumes from.
    std::string resume_from{};
    uint64_t resume_events = 0;

    // No events at all: open the connections and weigh the server.
    bool idle = false;
    double settle_seconds = 2;

    std::vector<pid_t> server_pids;   // with all their descendants
    std::vector<pid_t> sidecar_pids;  // accounted apart
};

// Prints the usage and exits when the arguments make no sense.
Options parse_options(int argc, char** argv);

// `path` with its %d replaced by the channel's number.
inline std::string path_of_channel(const std::string& path, uint32_t channel) {
    const size_t at = path.find("%d");
    if (at == std::string::npos) {
        return path;
    }
    return path.substr(0, at) + std::to_string(channel) + path.substr(at + 2);
}

}  // namespace herald::bench
