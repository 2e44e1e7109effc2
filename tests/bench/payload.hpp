// The bytes of one event, and how to find them again in whatever a server wraps around them.
//
//     {"n":10000042,"t":5123456789012,"text":"......"}      200 bytes in all
//
// `n` has always 8 digits (event 0 of a channel is 10000000), so that the number can be read with
// three multiplications. `t` is CLOCK_MONOTONIC in nanoseconds at the time of publishing, for
// people who watch; the load generator keeps its own table. The marker `{"n":` occurs nowhere else
// in a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace herald::bench {

constexpr size_t kPayloadSize = 200;
constexpr char kMarker[] = "{\"n\":";
constexpr size_t kMarkerSize = sizeof kMarker - 1;
constexpr size_t kDigits = 8;
constexpr uint64_t kFirstNumber = 10'000'000;
constexpr uint64_t kMaxEvents = 90'000'000 - 1;  // on one channel
constexpr size_t kLongestPartialMarker = kMarkerSize + kDigits - 1;

// Writes event `number` into `payload`, replacing what was there.
inline void write_payload(std::string& payload, uint64_t number, uint64_t now_ns) {
    char head[96];
    int size = std::snprintf(head, sizeof head, "%s%llu,\"t\":%llu,\"text\":\"", kMarker,
                             static_cast<unsigned long long>(kFirstNumber + number),
                             static_cast<unsigned long long>(now_ns));
    payload.assign(head, static_cast<size_t>(size));
    payload.append(kPayloadSize - payload.size() - 2, 'x');
    payload.append("\"}");
}

// The same as an event of one of 100,000 jobs, each of which changes now and then.
inline void write_job_payload(std::string& payload, uint64_t number, uint64_t now_ns) {
    constexpr uint64_t kJobs = 100'000;
    constexpr const char* kStatuses[] = {"queued", "running", "completed"};
    char head[176];
    int size = std::snprintf(
        head, sizeof head,
        "%s%llu,\"t\":%llu,\"event\":\"job.updated\",\"job\":{\"job_id\":\"%llu\","
        "\"status\":\"%s\",\"farm\":\"mock\"},\"text\":\"",
        kMarker, static_cast<unsigned long long>(kFirstNumber + number),
        static_cast<unsigned long long>(now_ns), static_cast<unsigned long long>(number % kJobs),
        kStatuses[number / kJobs % 3]);
    payload.assign(head, static_cast<size_t>(size));
    payload.append(kPayloadSize - payload.size() - 2, 'x');
    payload.append("\"}");
}

// Eight ASCII digits as a number, all at once (little-endian): pairs, then fours, then eight.
inline uint64_t read_digits(const char* digits) {
    uint64_t value;
    std::memcpy(&value, digits, sizeof value);
    value -= 0x3030303030303030U;
    value = value * 10 + (value >> 8);
    value = (((value & 0x000000FF000000FFU) * 0x000F424000000064U) +
             (((value >> 16) & 0x000000FF000000FFU) * 0x0000271000000001U)) >>
            32;
    return value;
}

// Calls found(number) for each event whose marker and number lie completely in [begin, end).
// Returns where the bytes begin that a later call must see again (at most kLongestPartialMarker of
// them).
//
// `stride` is the distance from the end of one number to the next marker as last seen in this
// stream: events have one size and servers one framing, so most markers are found by looking in one
// place. It is only learnt and used right behind a number, and only when no second marker fits in
// between; a wrong guess costs a search.
template <typename Found>
const char* scan_events(const char* begin, const char* end, uint16_t& stride, Found&& found) {
    constexpr size_t kWhole = kMarkerSize + kDigits;
    constexpr size_t kLongestStride = 2 * kPayloadSize - kWhole - 1;

    const char* at = begin;
    while (static_cast<size_t>(end - at) >= kWhole) {
        const char* marker = at + stride;
        bool guessed = at != begin && static_cast<size_t>(end - at) >= stride + kWhole &&
                       std::memcmp(marker, kMarker, kMarkerSize) == 0;
        if (!guessed) {
            marker = static_cast<const char*>(
                memmem(at, static_cast<size_t>(end - at), kMarker, kMarkerSize));
            if (marker == nullptr || static_cast<size_t>(end - marker) < kWhole) {
                break;
            }
            auto distance = static_cast<size_t>(marker - at);
            if (at != begin && distance <= kLongestStride) {
                stride = static_cast<uint16_t>(distance);
            }
        }
        found(read_digits(marker + kMarkerSize) - kFirstNumber);
        at = marker + kWhole;
    }

    auto left = static_cast<size_t>(end - at);
    return left > kLongestPartialMarker ? end - kLongestPartialMarker : at;
}

}  // namespace herald::bench
