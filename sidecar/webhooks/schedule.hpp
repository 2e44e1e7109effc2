// What is made of a receiver's answer, and when it is asked again. Pure functions.
#pragma once

#include <cstdint>

namespace herald::sidecar {

enum class Verdict {
    Delivered,  // 2xx
    Retry,      // no answer, or one that somebody can put right: 5xx, 429, 404, a redirect, ...
    Refused,    // this event will never be taken: 400, 410, 413, 414, 415, 422
};

// `status`: of the answer; 0: there was none.
Verdict verdict_of(long status);

constexpr uint64_t kFirstRetryMs = 1000;
constexpr uint64_t kLongestRetryMs = 10 * 60 * 1000;

// Milliseconds until the next attempt.
//   attempts: made so far, at least 1. random: any number, uniformly distributed.
// Doubles from 1 s to 10 min, of which up to a half is taken away at random.
uint64_t webhook_retry_ms(uint32_t attempts, uint32_t random);

}  // namespace herald::sidecar
