// When each line of a replay is due, from the times that the lines have.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace herald::cli {

class Pace {
  public:
    // `speed`: above 0; 2 is twice as fast. Infinity: nothing ever waits.
    explicit Pace(double speed) : speed_(speed) {}

    // Microseconds from the first line to this one. `time_us`: the line's time, microseconds since
    // 1970; nothing: it follows the one before at once.
    // A time is compared with the latest one so far; one that is before that, with the line before:
    // so lines that come a little out of order, a clock that was set back and a stray time in the
    // past make nobody wait for what has been.
    uint64_t due_us(std::optional<int64_t> time_us);

  private:
    double speed_;
    std::optional<int64_t> latest_{};
    int64_t last_ = 0;         // time of the line before
    uint64_t elapsed_us_ = 0;  // at speed 1
};

// "max" or a number above 0; nothing where the text is neither.
std::optional<double> parse_speed(std::string_view text);

}  // namespace herald::cli
