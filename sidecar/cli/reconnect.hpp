// When to connect again: what the server asks for at least, longer after each attempt that came to
// nothing, and spread at random, so that many clients do not come back in step.
#pragma once

#include <cstdint>
#include <optional>

namespace herald::cli {

// Milliseconds to wait.
//   fruitless: attempts in a row that came to nothing; 0 after a connection that was of use.
//   asked_ms: what the server asked for by `retry:` or Retry-After, if it did.
//   random: any number, uniformly distributed.
// Without a word from the server 1 s, doubled with each fruitless attempt up to 30 s; never less
// than what was asked, up to a day; and up to half as much again.
uint64_t reconnect_delay_ms(uint32_t fruitless, std::optional<uint64_t> asked_ms, uint64_t random);

}  // namespace herald::cli
