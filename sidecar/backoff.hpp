// When to try Redis again: soon after a loss, because most are restarts, then at most once a
// second, spread at random, so that many sidecars do not come back in step.
#pragma once

#include <cstdint>

namespace herald::sidecar {

// Milliseconds to wait before the next attempt.
//   failures: attempts that have failed in a row since the last lasting connection, 0 right after
//   it was lost. random: any number, uniformly distributed.
// 20 to 100 for none, then 1000 to 1500, growing, at most 3000.
uint64_t retry_delay_ms(uint32_t failures, uint32_t random);

}  // namespace herald::sidecar
