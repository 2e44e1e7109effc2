#include "sidecar/webhooks/schedule.hpp"

#include <algorithm>

namespace herald::sidecar {

Verdict verdict_of(long status) {
    if (status >= 200 && status < 300)
        return Verdict::Delivered;
    switch (status) {
        case 400:  // about the event itself: the next attempt would be told the same
        case 413:
        case 414:
        case 415:
        case 422:
        case 410:  // the receiver says that it is gone for good
            return Verdict::Refused;
        default:
            return Verdict::Retry;
    }
}

uint64_t webhook_retry_ms(uint32_t attempts, uint32_t random) {
    const uint32_t doublings = std::min(attempts - 1, 10u);
    const uint64_t longest = std::min(kFirstRetryMs << doublings, kLongestRetryMs);
    if (attempts <= 1)
        return longest + random % (longest / 2 + 1);
    return longest - random % (longest / 2 + 1);
}

}  // namespace herald::sidecar
