// The texts are pure functions; the class knows the terminal and the speed of the last seconds.
#include "sidecar/cli/progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace herald::cli {

namespace {

constexpr size_t kUsualColumns = 80;
constexpr size_t kLeastBar = 10;
constexpr size_t kMostBar = 40;
constexpr double kSpeedOverS = 3;
constexpr double kLineEveryS = 10;

std::string plural(uint64_t count, const std::string& word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

double share(const ProgressState& state) {
    if (state.total_bytes == 0)
        return 1;
    return std::min(1.0, static_cast<double>(state.bytes) / static_cast<double>(state.total_bytes));
}

}  // namespace

std::string format_duration(double seconds) {
    const auto whole = static_cast<uint64_t>(std::max(0.0, std::min(std::ceil(seconds), 1e12)));
    char text[40];
    if (whole < 3600)
        std::snprintf(text, sizeof text, "%llu:%02llu", static_cast<unsigned long long>(whole / 60),
                      static_cast<unsigned long long>(whole % 60));
    else
        std::snprintf(text, sizeof text, "%llu:%02llu:%02llu",
                      static_cast<unsigned long long>(whole / 3600),
                      static_cast<unsigned long long>(whole / 60 % 60),
                      static_cast<unsigned long long>(whole % 60));
    return text;
}

std::string format_progress(const ProgressState& state, size_t columns) {
    const double done = share(state);
    std::string percent = std::to_string(static_cast<int>(done * 100)) + "%";
    percent.insert(0, percent.size() < 4 ? 4 - percent.size() : 0, ' ');

    std::string facts = " " + plural(state.events, "event") + "  " +
                        std::to_string(std::llround(state.events_per_s)) + "/s";
    if (state.waiting_s >= 1)
        facts += "  next in " + format_duration(state.waiting_s);
    else if (done > 0 && done < 1)
        facts += "  " + format_duration(state.elapsed_s * (1 - done) / done) + " left";

    std::string line = percent;
    const size_t taken = percent.size() + facts.size() + 3;
    if (columns >= taken + kLeastBar) {
        const size_t width = std::min(columns - taken, kMostBar);
        const auto full = static_cast<size_t>(done * static_cast<double>(width));
        line += " [" + std::string(full, '#') + std::string(width - full, '-') + "]";
    }
    line += facts;
    return line.substr(0, columns);
}

std::string format_summary(const Summary& summary) {
    char seconds[40];
    std::snprintf(seconds, sizeof seconds, "%.1f s", summary.elapsed_s);
    std::string text = "replayed " + plural(summary.events, "event") + " in " + seconds +
                       " (skipped " + plural(summary.notices, "notice") + ", " +
                       plural(summary.bad_lines, "bad line") + ")";
    if (summary.unanswered > 0)
        text += "; " + std::to_string(summary.unanswered) + " more not answered by Redis";
    return text;
}

Progress::Progress(bool quiet)
    : style_(quiet                         ? Style::None
             : TerminalLine::is_terminal() ? Style::Bar
                                           : Style::Lines) {}

void Progress::update(ProgressState state) {
    if (style_ == Style::None)
        return;
    samples_.push_back({state.elapsed_s, state.events});
    while (samples_.size() > 2 && state.elapsed_s - samples_[1].at_s >= kSpeedOverS)
        samples_.pop_front();
    const Sample old = samples_.size() > 1 ? samples_.front() : Sample{0, 0};
    if (state.elapsed_s > old.at_s)
        state.events_per_s =
            static_cast<double>(state.events - old.events) / (state.elapsed_s - old.at_s);

    if (style_ == Style::Bar)
        return line_.draw(format_progress(state, TerminalLine::columns()));
    if (state.elapsed_s - printed_at_s_ < kLineEveryS)
        return;
    printed_at_s_ = state.elapsed_s;
    const std::string line = format_progress(state, kUsualColumns);
    std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace herald::cli
