// The sum of all steps forward, divided once: no rounding adds up.
#include "sidecar/cli/pace.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace herald::cli {

namespace {

// No step and no wait is longer, so that sums of them and clocks stay far from their ends.
constexpr uint64_t kMostUs = 100ull * 365 * 24 * 3600 * 1'000'000;

uint64_t step(int64_t from, int64_t to) {
    if (to <= from)
        return 0;
    return std::min(static_cast<uint64_t>(to) - static_cast<uint64_t>(from), kMostUs);
}

}  // namespace

uint64_t Pace::due_us(std::optional<int64_t> time_us) {
    if (time_us) {
        if (latest_)
            elapsed_us_ += step(*time_us >= *latest_ ? *latest_ : last_, *time_us);
        elapsed_us_ = std::min(elapsed_us_, kMostUs);
        latest_ = std::max(latest_.value_or(*time_us), *time_us);
        last_ = *time_us;
    }
    const double due = static_cast<double>(elapsed_us_) / speed_;
    return due < static_cast<double>(kMostUs) ? static_cast<uint64_t>(std::llround(due)) : kMostUs;
}

std::optional<double> parse_speed(std::string_view text) {
    if (text == "max")
        return std::numeric_limits<double>::infinity();
    double speed = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, speed);
    if (result.ec != std::errc{} || result.ptr != end || !std::isfinite(speed) || speed <= 0)
        return std::nullopt;
    return speed;
}

}  // namespace herald::cli
