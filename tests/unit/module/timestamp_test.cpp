// Times as text: what RFC 3339, Python, JavaScript and shells write, and everything that is no
// time.
#include "ring/timestamp.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

namespace herald::ring {
namespace {

constexpr int64_t kSecond = 1'000'000;

// The point in time of a calendar date, by the C library.
int64_t at(int year, int month, int day, int hour = 0, int minute = 0, int second = 0) {
    std::tm time{};
    time.tm_year = year - 1900;
    time.tm_mon = month - 1;
    time.tm_mday = day;
    time.tm_hour = hour;
    time.tm_min = minute;
    time.tm_sec = second;
    return int64_t{timegm(&time)} * kSecond;
}

std::string written(uint64_t ms) {
    std::string out;
    append_time(out, ms);
    return out;
}

TEST(Timestamp, ReadsTheExamplesOfRfc3339) {
    EXPECT_EQ(parse_time("1985-04-12T23:20:50.52Z"), at(1985, 4, 12, 23, 20, 50) + 520'000);
    EXPECT_EQ(parse_time("1996-12-19T16:39:57-08:00"), at(1996, 12, 20, 0, 39, 57));
    EXPECT_EQ(parse_time("1990-12-31T23:59:60Z"), at(1991, 1, 1));
    EXPECT_EQ(parse_time("1990-12-31T15:59:60-08:00"), at(1991, 1, 1));
    EXPECT_EQ(parse_time("1937-01-01T12:00:27.87+00:20"), at(1937, 1, 1, 11, 40, 27) + 870'000);
}

TEST(Timestamp, ReadsWhatPythonWrites) {
    const int64_t time = at(2026, 11, 21, 10, 0, 0);
    EXPECT_EQ(parse_time("2026-11-21T10:00:00"), time);
    EXPECT_EQ(parse_time("2026-11-21T10:00:00.000123"), time + 123);
    EXPECT_EQ(parse_time("2026-11-21T10:00:00+00:00"), time);
    EXPECT_EQ(parse_time("2026-11-21T15:30:00.500000+05:30"), time + 500'000);
    EXPECT_EQ(parse_time("2026-11-21 10:00:00"), time);
    EXPECT_EQ(parse_time("2026-11-21"), at(2026, 11, 21));
    EXPECT_EQ(parse_time("2026-11-21T10:00"), time);
    EXPECT_EQ(parse_time("2026-11-21T10:00-05:00"), time + 5 * 3600 * kSecond);
}

TEST(Timestamp, ReadsWhatJavaScriptWrites) {
    EXPECT_EQ(parse_time("2026-11-21T10:00:00.123Z"), at(2026, 11, 21, 10) + 123'000);
    EXPECT_EQ(parse_time("1969-12-31T23:59:59.999Z"), -1000);
    EXPECT_EQ(parse_time("1970-01-01T00:00:00.000Z"), 0);
}

TEST(Timestamp, TakesEveryWayToWriteAnOffset) {
    const int64_t time = at(2026, 11, 21, 9);
    for (const char* offset : {"+01:00", "+0100", "+01", " 01:00", " 0100", " 01"})
        EXPECT_EQ(parse_time("2026-11-21T10:00:00" + std::string(offset)), time) << offset;
    for (const char* offset : {"", "Z", "z", "+00:00", "-00:00", "-00", " 00"})
        EXPECT_EQ(parse_time("2026-11-21T09:00:00" + std::string(offset)), time) << offset;
    EXPECT_EQ(parse_time("2026-11-21t08:30:00-0030"), time);
    EXPECT_EQ(parse_time("2026-11-22 08:59:00 23:59"), time);
    EXPECT_EQ(parse_time("2026-11-21T10:00 01:00"), time);
}

TEST(Timestamp, CutsFractionsOffBehindMicroseconds) {
    const int64_t time = at(2026, 11, 21);
    EXPECT_EQ(parse_time("2026-11-21T00:00:00.1"), time + 100'000);
    EXPECT_EQ(parse_time("2026-11-21T00:00:00,25Z"), time + 250'000);
    EXPECT_EQ(parse_time("2026-11-21T00:00:00.123456789Z"), time + 123'456);
    EXPECT_EQ(parse_time("2026-11-21T00:00:00.9999999Z"), time + 999'999);
    EXPECT_EQ(parse_time("2026-11-21T00:00:00.1234567890Z"), std::nullopt);
    EXPECT_EQ(parse_time("2026-11-21T00:00:00.Z"), std::nullopt);
    EXPECT_EQ(parse_time("2026-11-21T00:00:60.5Z"), at(2026, 11, 21, 0, 1) + 500'000);
}

TEST(Timestamp, KnowsTheCalendar) {
    EXPECT_EQ(parse_time("2000-02-29"), at(2000, 2, 29));
    EXPECT_EQ(parse_time("2024-02-29"), at(2024, 2, 29));
    for (const char* date : {"2026-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-01",
                             "2026-01-00", "2026-01-32"})
        EXPECT_EQ(parse_time(date), std::nullopt) << date;
}

TEST(Timestamp, TakesTheYears1To9999) {
    EXPECT_EQ(parse_time("0001-01-01T00:00:00Z"), -62'135'596'800 * kSecond);
    EXPECT_EQ(parse_time("9999-12-31T23:59:59.999999Z"), 253'402'300'799'999'999);
    EXPECT_EQ(parse_time("0001-01-01T00:00:00+23:59"), (-62'135'596'800 - 86'340) * kSecond);
    EXPECT_EQ(parse_time("0000-12-31"), std::nullopt);
    EXPECT_EQ(parse_time("10000-01-01"), std::nullopt);
    EXPECT_EQ(parse_time("+002026-11-21T10:00:00Z"), std::nullopt);
    EXPECT_EQ(parse_time("-0001-01-01"), std::nullopt);
}

TEST(Timestamp, BoundsTheClock) {
    for (const char* clock : {"24:00:00", "23:60:00", "23:59:61", "99:99:99"})
        EXPECT_EQ(parse_time("2026-11-21T" + std::string(clock) + "Z"), std::nullopt) << clock;
    for (const char* offset : {"+24:00", "-01:60", "+1", "+1:00", "+010", "+01:", "+01:0", "+01000",
                               "+01:00:00", "+", " ", "Z ", "ZZ", "  01:00", "+ 1", "\xe2\x88\x92"})
        EXPECT_EQ(parse_time("2026-11-21T10:00:00" + std::string(offset)), std::nullopt) << offset;
}

TEST(Timestamp, ReadsEpochSeconds) {
    EXPECT_EQ(parse_time("1763719200"), 1'763'719'200 * kSecond);
    EXPECT_EQ(parse_time("1763719200.123"), 1'763'719'200'123'000);
    EXPECT_EQ(parse_time("1763719200.1234567"), 1'763'719'200'123'456);
    EXPECT_EQ(parse_time("1763719200.12345678901234567890"), 1'763'719'200'123'456);
    EXPECT_EQ(parse_time("0"), 0);
    EXPECT_EQ(parse_time("-0"), 0);
    EXPECT_EQ(parse_time("-1.5"), -1'500'000);
    EXPECT_EQ(parse_time("0.0000019"), 1);
    EXPECT_EQ(parse_time("2026"), 2026 * kSecond);
    EXPECT_EQ(parse_time("253402300799.999999"), 253'402'300'799'999'999);
    EXPECT_EQ(parse_time("-62135596800"), -62'135'596'800 * kSecond);
}

TEST(Timestamp, DoesNotTakeMillisecondsForSeconds) {
    EXPECT_EQ(parse_time("1763719200123"), std::nullopt);
    EXPECT_EQ(parse_time("253402300800"), std::nullopt);
    EXPECT_EQ(parse_time("-62135596800.000001"), std::nullopt);
    EXPECT_EQ(parse_time("-62135596801"), std::nullopt);
    EXPECT_EQ(parse_time(std::string(100'000, '9')), std::nullopt);
}

TEST(Timestamp, RefusesWhatIsNoTime) {
    using namespace std::string_view_literals;
    for (std::string_view text : {""sv,
                                  " "sv,
                                  "-"sv,
                                  "."sv,
                                  "yesterday"sv,
                                  "now"sv,
                                  "null"sv,
                                  "1e9"sv,
                                  "1E9"sv,
                                  "0x10"sv,
                                  "+5"sv,
                                  ".5"sv,
                                  "5."sv,
                                  "--5"sv,
                                  "1,5"sv,
                                  "1.5.5"sv,
                                  "1.-5"sv,
                                  " 5"sv,
                                  "5 "sv,
                                  "5\0"sv,
                                  "NaN"sv,
                                  "Infinity"sv,
                                  "1_000"sv,
                                  "2026-11"sv,
                                  "2026-11-"sv,
                                  "2026-11-2"sv,
                                  "2026-11-21T"sv,
                                  "2026-11-21 "sv,
                                  "2026-11-21Z"sv,
                                  "2026-11-21T10"sv,
                                  "2026-11-21T10Z"sv,
                                  "2026-11-21T10:"sv,
                                  "2026-11-21T10:0"sv,
                                  "2026-11-21T1:00"sv,
                                  "2026-11-21T10:00:"sv,
                                  "2026-11-21T10:00:0"sv,
                                  "2026-11-21T10:00.5"sv,
                                  "2026-11-21X10:00:00Z"sv,
                                  "2026/11/21"sv,
                                  "21.11.2026"sv,
                                  "11/21/2026"sv,
                                  "20261121T100000Z"sv,
                                  "2026-1-21"sv,
                                  "2026-W47-6"sv,
                                  "2026-325"sv,
                                  "2026-11-21T10:00:00\0"sv,
                                  "2026-11-21T10:00:00Z\n"sv,
                                  "2026-11-21T10:00:00 UTC"sv,
                                  "2026-11-21T-1:00:00"sv,
                                  "2026-11-21T10:00:+1"sv,
                                  "2026-11-21T10-00-00"sv,
                                  "Sat, 21 Nov 2026 10:00:00 GMT"sv,
                                  "2026-11-21T10:00:00Z+01"sv,
                                  "\xff\xff\xff\xff-11-21"sv,
                                  "2026-\xb2\xb2-21"sv})
        EXPECT_EQ(parse_time(text), std::nullopt) << text;
}

TEST(Timestamp, TakesNoPrefixOfATimeForAnother) {
    constexpr std::string_view kText = "2026-11-21T10:00:00.123456+01:00";
    for (size_t length = 0; length < kText.size(); ++length) {
        const bool epoch = length >= 1 && length <= 4;
        const bool whole = epoch || length == 10 || length == 16 || length == 19 ||
                           (length >= 21 && length <= 26) || length == 29;
        EXPECT_EQ(parse_time(kText.substr(0, length)).has_value(), whole) << length;
    }
}

TEST(Timestamp, WritesMilliseconds) {
    EXPECT_EQ(written(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(written(1'795'255'200'123), "2026-11-21T10:00:00.123Z");
    EXPECT_EQ(written(951'782'399'999), "2000-02-28T23:59:59.999Z");
    EXPECT_EQ(written(951'782'400'000), "2000-02-29T00:00:00.000Z");
    EXPECT_EQ(written(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(written(253'402'300'800'000), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(written(UINT64_MAX), "9999-12-31T23:59:59.999Z");

    std::string out = "at ";
    append_time(out, 0);
    EXPECT_EQ(out, "at 1970-01-01T00:00:00.000Z");
}

TEST(Timestamp, ReadsBackWhatItWrites) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        const uint64_t ms = random() % 253'402'300'800'000;
        ASSERT_EQ(parse_time(written(ms)), static_cast<int64_t>(ms) * 1000) << ms;
    }
}

TEST(Timestamp, WritesMicroseconds) {
    const auto written_us = [](int64_t us) {
        std::string out;
        append_time_us(out, us);
        return out;
    };
    EXPECT_EQ(written_us(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(written_us(1'795'255'200'123'456), "2026-11-21T10:00:00.123456Z");
    EXPECT_EQ(written_us(-1), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(written_us(*parse_time("0001-01-01")), "0001-01-01T00:00:00.000000Z");
    constexpr const char* kLast = "9999-12-31T23:59:59.999999Z";
    EXPECT_EQ(written_us(*parse_time(kLast)), kLast);
}

}  // namespace
}  // namespace herald::ring
