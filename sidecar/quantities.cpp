#include "sidecar/quantities.hpp"

#include <charconv>
#include <limits>

namespace herald::sidecar {

namespace {

constexpr uint64_t kMaxDurationMs = 36500 * uint64_t{86'400'000};

struct TimeUnit {
    char letter;
    uint64_t ms;
};
constexpr TimeUnit kTimeUnits[] = {{'d', 86'400'000}, {'h', 3'600'000}, {'m', 60'000}, {'s', 1000}};

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (text.empty() || result.ec != std::errc{})
        return std::nullopt;

    int shift = 0;
    if (end - result.ptr == 1) {
        const size_t unit = std::string_view("kmgKMG").find(*result.ptr);
        if (unit == std::string_view::npos)
            return std::nullopt;
        shift = static_cast<int>(unit % 3 + 1) * 10;
    } else if (result.ptr != end) {
        return std::nullopt;
    }
    if (number > std::numeric_limits<uint64_t>::max() >> shift)
        return std::nullopt;
    return number << shift;
}

std::string format_size(uint64_t bytes) {
    constexpr char kUnits[] = {'\0', 'K', 'M', 'G'};
    int unit = 0;
    while (unit < 3 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        ++unit;
    }
    std::string text = std::to_string(bytes);
    if (unit > 0)
        text += kUnits[unit];
    return text;
}

std::optional<uint64_t> parse_duration(std::string_view text) {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (text.empty() || result.ec != std::errc{} || end - result.ptr != 1 || number == 0)
        return std::nullopt;
    for (const auto& [letter, ms] : kTimeUnits) {
        if (*result.ptr == letter && number <= kMaxDurationMs / ms)
            return number * ms;
    }
    return std::nullopt;
}

std::string format_duration(uint64_t ms) {
    for (const auto& [letter, unit] : kTimeUnits) {
        if (ms % unit == 0)
            return std::to_string(ms / unit) + letter;
    }
    return std::to_string(ms) + "ms";
}

}  // namespace herald::sidecar
