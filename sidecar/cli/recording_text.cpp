#include "sidecar/cli/recording_text.hpp"

#include <cmath>
#include <cstdio>

#include "sidecar/cli/progress.hpp"

namespace herald::cli {

namespace {

std::string plural(uint64_t count, const std::string& word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

}  // namespace

std::string format_recording(const RecordingCounts& counts, double events_per_s, double elapsed_s,
                             bool connected, size_t columns) {
    std::string line =
        plural(counts.events, "event") + "  " + std::to_string(std::llround(events_per_s)) + "/s";
    if (counts.gaps > 0)
        line += "  " + plural(counts.gaps, "gap");
    if (counts.reconnects > 0)
        line += "  " + plural(counts.reconnects, "reconnect");
    line += "  " + format_duration(std::floor(elapsed_s));
    if (!connected)
        line += "  not connected";
    return line.substr(0, columns);
}

std::string format_recorded(const char* verb, const RecordingCounts& counts, double elapsed_s) {
    char seconds[40];
    std::snprintf(seconds, sizeof seconds, "%.1f s", elapsed_s);
    std::string text = std::string(verb) + " " + plural(counts.events, "event") + " in " + seconds +
                       " (" + plural(counts.gaps, "gap") + ", " +
                       plural(counts.reconnects, "reconnect");
    if (counts.unresumed > 0)
        text += ", " + std::to_string(counts.unresumed) + " without an id to resume from";
    text += ")";
    if (counts.not_json > 0)
        text += "; left out " + std::to_string(counts.not_json) + " not JSON";
    if (counts.too_long > 0)
        text += "; left out " + std::to_string(counts.too_long) + " above 64M";
    return text;
}

}  // namespace herald::cli
