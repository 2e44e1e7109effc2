#include "sidecar/cli/token_words.hpp"

#include <charconv>

#include "ring/timestamp.hpp"

namespace herald::cli {

namespace {

constexpr int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr int64_t kLongest = 365'250 * kDay;

int64_t unit_of(std::string_view text) {
    if (text.empty() || text == "s")
        return 1;
    if (text == "m")
        return kMinute;
    if (text == "h")
        return kHour;
    return text == "d" ? kDay : 0;
}

// "" where the calendar ends.
std::string point_in_time(int64_t seconds) {
    if (seconds < 0 || seconds > ring::time_text::kLastSecond)
        return "";
    std::string text = " (";
    ring::append_time(text, static_cast<uint64_t>(seconds) * 1000);
    text.resize(text.size() - std::string_view(".000Z").size());
    return text + "Z)";
}

}  // namespace

std::optional<int64_t> parse_duration(std::string_view text) {
    int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    const int64_t unit = unit_of({rest, static_cast<size_t>(end - rest)});
    if (error != std::errc{} || unit == 0 || number > kLongest / unit || number < -kLongest / unit)
        return std::nullopt;
    return number * unit;
}

std::string duration_words(uint64_t seconds) {
    auto whole = [seconds](int64_t unit) { return seconds / static_cast<uint64_t>(unit); };
    if (seconds < kMinute)
        return std::to_string(seconds) + " s";
    if (seconds < kHour)
        return std::to_string(whole(kMinute)) + " min";
    if (seconds < kDay) {
        const uint64_t minutes = whole(kMinute) % 60;
        return std::to_string(whole(kHour)) + " h" +
               (minutes == 0 ? "" : " " + std::to_string(minutes) + " min");
    }
    return std::to_string(whole(kDay)) + (whole(kDay) == 1 ? " day" : " days");
}

std::string expiry_words(std::optional<int64_t> expires, int64_t now, int64_t leeway) {
    if (!expires)
        return "never expires";
    const std::string when = point_in_time(*expires);
    if (*expires > now)
        return "expires in " + duration_words(static_cast<uint64_t>(*expires - now)) + when;
    std::string words =
        "expired " + duration_words(static_cast<uint64_t>(now - *expires)) + " ago" + when;
    const int64_t left = *expires + leeway - now;
    if (left > 0)
        words +=
            ", by the leeway accepted for another " + duration_words(static_cast<uint64_t>(left));
    return words;
}

}  // namespace herald::cli
