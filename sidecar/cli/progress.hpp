// How far a replay has got, on standard error: a bar that is redrawn where that is a terminal, else
// a line now and then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/cli/terminal_line.hpp"

namespace herald::cli {

struct ProgressState {
    uint64_t events = 0;
    uint64_t bytes = 0;  // of the files
    uint64_t total_bytes = 0;
    double elapsed_s = 0;
    double events_per_s = 0;
    double waiting_s = 0;  // until the next event is due
};

// One line without its end, at most `columns` wide (every byte is a column). With a bar where there
// is room for one.
//   45% [#########-----------] 12345 events  5000/s  0:12 left
std::string format_progress(const ProgressState& state, size_t columns);

// 7:05, 1:00:00
std::string format_duration(double seconds);

struct Summary {
    uint64_t events = 0;
    uint64_t notices = 0;
    uint64_t bad_lines = 0;
    uint64_t unanswered = 0;
    double elapsed_s = 0;
};
// replayed 1000 events in 2.1 s (skipped 2 notices, 0 bad lines)
std::string format_summary(const Summary& summary);

class Progress {
  public:
    explicit Progress(bool quiet);

    // To be called up to ten times a second. `events_per_s` is filled in here.
    void update(ProgressState state);

    // A line for the reader, above the bar.
    void say(std::string_view text) { line_.say(text); }

    void clear() { line_.clear(); }  // takes the bar off the screen

  private:
    struct Sample {
        double at_s;
        uint64_t events;
    };
    enum class Style { None, Bar, Lines } style_;
    std::deque<Sample> samples_{};  // of the last few seconds
    double printed_at_s_ = 0;
    TerminalLine line_{};
};

}  // namespace herald::cli
