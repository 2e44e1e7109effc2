// A pure function, so that it can be tested without a clock.
#include "sidecar/cli/reconnect.hpp"

#include <algorithm>

namespace herald::cli {

uint64_t reconnect_delay_ms(uint32_t fruitless, std::optional<uint64_t> asked_ms, uint64_t random) {
    constexpr uint64_t kUsualMs = 1000;
    constexpr uint64_t kLongestMs = 30'000;
    constexpr uint64_t kLongestAskedMs = 24 * 3600 * 1000;
    constexpr uint32_t kDoublings = 16;

    const uint64_t asked = std::min(asked_ms.value_or(kUsualMs), kLongestAskedMs);
    const uint64_t grown = std::max<uint64_t>(asked, 1) << std::min(fruitless, kDoublings);
    const uint64_t base = std::max(asked, std::min(grown, kLongestMs));
    return base + random % (base / 2 + 1);
}

}  // namespace herald::cli
