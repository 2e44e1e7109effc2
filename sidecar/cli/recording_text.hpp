// What `herald record` and `herald tail` tell about their work, on standard error. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace herald::cli {

struct RecordingCounts {
    uint64_t events = 0;  // that were written
    uint64_t gaps = 0;
    uint64_t reconnects = 0;
    uint64_t unresumed = 0;  // reconnects without an id
    uint64_t not_json = 0;   // left out
    uint64_t too_long = 0;   // left out
};

// One line without its end, at most `columns` wide.
//   12345 events  50/s  1 gap  2 reconnects  1:02:03
std::string format_recording(const RecordingCounts& counts, double events_per_s, double elapsed_s,
                             bool connected, size_t columns);

// recorded 1000 events in 2.1 s (1 gap, 2 reconnects)
std::string format_recorded(const char* verb, const RecordingCounts& counts, double elapsed_s);

}  // namespace herald::cli
