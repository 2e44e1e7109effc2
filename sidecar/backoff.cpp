// The schedule itself: a pure function, so that it can be tested without a clock.
#include "sidecar/backoff.hpp"

#include <algorithm>

namespace herald::sidecar {

uint64_t retry_delay_ms(uint32_t failures, uint32_t random) {
    if (failures == 0)
        return 20 + random % 81;
    constexpr uint32_t kSteps = 6;
    const uint64_t base = 1000 + 250 * uint64_t{std::min(failures - 1, kSteps)};
    return base + random % 501;
}

}  // namespace herald::sidecar
