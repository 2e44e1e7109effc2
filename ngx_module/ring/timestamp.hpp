// Points in time as text: ISO 8601 (RFC 3339 and what Python and JavaScript make of it) and epoch
// seconds. Both programs read them by the same rules, so that `since` and an event's time member
// compare.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald::ring {

// Microseconds since 1970, or nothing where the text is neither of the two forms:
//   2026-11-21T10:00:00Z   'T', 't' or a space between date and time; seconds may be missing, and
//                          may have 1 to 9 digits of fraction behind '.' or ',' (beyond
//                          microseconds: cut off); then Z, z, +01:00, +0100, +01, or nothing,
//                          which is UTC; the time may be missing as a whole: midnight. Years 0001
//                          to 9999, real dates alone; second 60 is the next minute's first. A
//                          space may stand for the offset's '+', which is one in a query string.
//   1763719200.123         epoch seconds with or without a fraction, also negative; plain decimals
//                          within the same years, so that milliseconds are not taken for seconds
inline std::optional<int64_t> parse_time(std::string_view text);

// `2026-11-21T10:00:00.123Z`, of milliseconds since 1970; appended. Always 24 bytes: what lies
// beyond the year 9999 is written as its last millisecond.
inline void append_time(std::string& out, uint64_t ms);

// `2026-11-21T10:00:00.123456Z`, of what parse_time returns.
inline void append_time_us(std::string& out, int64_t us);

namespace time_text {

constexpr int64_t kMicroseconds = 1'000'000;
constexpr int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253'402'300'799;   // 9999-12-31T23:59:59Z

// What is left of a text. A read that fails may have taken a part.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : rest_(text) {}

    bool at_end() const { return rest_.empty(); }

    // The next byte, where it is one of `bytes`; else 0.
    char take_any(std::string_view bytes) {
        if (rest_.empty() || bytes.find(rest_.front()) == bytes.npos)
            return 0;
        const char byte = rest_.front();
        rest_.remove_prefix(1);
        return byte;
    }
    bool take(char byte) { return take_any({&byte, 1}) != 0; }

    // Exactly `count` digits.
    bool number(size_t count, unsigned& value) {
        if (rest_.size() < count)
            return false;
        value = 0;
        for (size_t i = 0; i < count; ++i) {
            const unsigned digit = static_cast<unsigned char>(rest_[i]) - unsigned{'0'};
            if (digit > 9)
                return false;
            value = value * 10 + digit;
        }
        rest_.remove_prefix(count);
        return true;
    }

    // All digits there are, at least one and at most `most`, as a fraction in microseconds.
    bool fraction(size_t most, int64_t& microseconds) {
        size_t count = 0;
        microseconds = 0;
        for (int64_t unit = kMicroseconds / 10; count < rest_.size(); ++count, unit /= 10) {
            const unsigned digit = static_cast<unsigned char>(rest_[count]) - unsigned{'0'};
            if (digit > 9)
                break;
            microseconds += digit * unit;
        }
        rest_.remove_prefix(count);
        return count >= 1 && count <= most;
    }

    // All digits there are, at least one: seconds within the years that can be.
    bool seconds(int64_t& value) {
        size_t count = 0;
        value = 0;
        for (; count < rest_.size(); ++count) {
            const unsigned digit = static_cast<unsigned char>(rest_[count]) - unsigned{'0'};
            if (digit > 9)
                break;
            value = value * 10 + digit;
            if (value > kLastSecond)
                return false;
        }
        rest_.remove_prefix(count);
        return count >= 1;
    }

  private:
    std::string_view rest_;
};

// 2026-11-21, as days since 1970.
inline bool parse_date(Cursor& text, int64_t& days) {
    unsigned year = 0, month = 0, day = 0;
    if (!text.number(4, year) || !text.take('-') || !text.number(2, month) || !text.take('-') ||
        !text.number(2, day) || year == 0)
        return false;
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)),
                                           std::chrono::month(month), std::chrono::day(day));
    if (!date.ok())
        return false;
    days = std::chrono::sys_days(date).time_since_epoch().count();
    return true;
}

// 10:00, 10:00:00 or 10:00:00.123, as microseconds.
inline bool parse_clock(Cursor& text, int64_t& microseconds) {
    unsigned hour = 0, minute = 0, second = 0;
    int64_t fraction = 0;
    if (!text.number(2, hour) || !text.take(':') || !text.number(2, minute) || hour > 23 ||
        minute > 59)
        return false;
    if (text.take(':')) {
        if (!text.number(2, second) || second > 60)
            return false;
        if (text.take_any(".,") != 0 && !text.fraction(9, fraction))
            return false;
    }
    microseconds = int64_t{hour * 3600 + minute * 60 + second} * kMicroseconds + fraction;
    return true;
}

// Z, +01:00, +0100, +01 or nothing, as seconds that the clock is ahead of UTC.
inline bool parse_offset(Cursor& text, int64_t& seconds) {
    seconds = 0;
    if (text.at_end() || text.take_any("Zz") != 0)
        return true;
    const char sign = text.take_any("+- ");
    unsigned hours = 0, minutes = 0;
    if (sign == 0 || !text.number(2, hours) || hours > 23)
        return false;
    if (!text.at_end()) {
        text.take(':');
        if (!text.number(2, minutes) || minutes > 59)
            return false;
    }
    seconds = hours * 3600 + minutes * 60;
    if (sign == '-')
        seconds = -seconds;
    return true;
}

inline std::optional<int64_t> parse_epoch(std::string_view text) {
    Cursor cursor(text);
    const bool negative = cursor.take('-');
    int64_t seconds = 0, fraction = 0;
    if (!cursor.seconds(seconds) || (cursor.take('.') && !cursor.fraction(text.size(), fraction)) ||
        !cursor.at_end())
        return std::nullopt;
    const int64_t microseconds = seconds * kMicroseconds + fraction;
    if (!negative)
        return microseconds;
    if (-microseconds < kFirstSecond * kMicroseconds)
        return std::nullopt;
    return -microseconds;
}

inline void put_digits(char* at, size_t count, unsigned value) {
    for (; count > 0; --count, value /= 10)
        at[count - 1] = static_cast<char>('0' + value % 10);
}

}  // namespace time_text

inline std::optional<int64_t> parse_time(std::string_view text) {
    // A date has its first hyphen behind four digits; nothing else that is a time has one there.
    if (text.size() < 10 || text[4] != '-')
        return time_text::parse_epoch(text);

    time_text::Cursor cursor(text);
    int64_t days = 0, clock = 0, offset = 0;
    if (!time_text::parse_date(cursor, days))
        return std::nullopt;
    if (!cursor.at_end() &&
        (cursor.take_any("Tt ") == 0 || !time_text::parse_clock(cursor, clock) ||
         !time_text::parse_offset(cursor, offset) || !cursor.at_end()))
        return std::nullopt;
    return (days * 86400 - offset) * time_text::kMicroseconds + clock;
}

inline void append_time(std::string& out, uint64_t ms) {
    ms = std::min(ms, uint64_t{time_text::kLastSecond} * 1000 + 999);
    const auto days = static_cast<int>(ms / 86'400'000);
    const auto clock = static_cast<unsigned>(ms % 86'400'000);
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};

    char text[] = "0000-00-00T00:00:00.000Z";
    time_text::put_digits(text, 4, static_cast<unsigned>(static_cast<int>(date.year())));
    time_text::put_digits(text + 5, 2, static_cast<unsigned>(date.month()));
    time_text::put_digits(text + 8, 2, static_cast<unsigned>(date.day()));
    time_text::put_digits(text + 11, 2, clock / 3'600'000);
    time_text::put_digits(text + 14, 2, clock / 60'000 % 60);
    time_text::put_digits(text + 17, 2, clock / 1000 % 60);
    time_text::put_digits(text + 20, 3, clock % 1000);
    out.append(text, sizeof text - 1);
}

inline void append_time_us(std::string& out, int64_t us) {
    using std::chrono::days;
    using std::chrono::microseconds;
    const std::chrono::sys_time<microseconds> time{microseconds(us)};
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::year_month_day date{day};
    const auto clock = static_cast<uint64_t>((time - day).count());

    char text[] = "0000-00-00T00:00:00.000000Z";
    time_text::put_digits(text, 4, static_cast<unsigned>(static_cast<int>(date.year())));
    time_text::put_digits(text + 5, 2, static_cast<unsigned>(date.month()));
    time_text::put_digits(text + 8, 2, static_cast<unsigned>(date.day()));
    time_text::put_digits(text + 11, 2, static_cast<unsigned>(clock / 3'600'000'000));
    time_text::put_digits(text + 14, 2, static_cast<unsigned>(clock / 60'000'000 % 60));
    time_text::put_digits(text + 17, 2, static_cast<unsigned>(clock / 1'000'000 % 60));
    time_text::put_digits(text + 20, 6, static_cast<unsigned>(clock % 1'000'000));
    out.append(text, sizeof text - 1);
}

}  // namespace herald::ring
