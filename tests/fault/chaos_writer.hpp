// The writer of a fault run: a process that is made to die, at a step of its own choice or whenever
// the harness likes, and whose next incarnation goes on in a new ring.
#pragma once

#include <cstdint>

#include "message.hpp"
#include "shared.hpp"

namespace herald::fault {

// Broken writers, to prove that the harness would notice.
enum class WriterMutant {
    None,
    NoIntent,        // never says which space it is about to overwrite
    LateIntent,      // says so only once it has
    EarlyTail,       // publishes a record before it is written
    SilentEviction,  // overwrites records without counting them as evicted
};

struct WriterPlan {
    uint64_t incarnation = 0;
    uint64_t seed = 0;        // of this incarnation's dice
    uint64_t run_seed = 0;    // of the messages
    uint64_t until = 0;       // the last seq to write
    uint64_t dies_after = 0;  // records; 0: not by itself
    ring::Step dies_at = ring::Step::Forgot;
    bool exits = false;    // dies by _exit, not by SIGKILL
    bool damages = false;  // its last record is damaged before it is published
    bool waits_for_kill = false;
    WriterMutant mutant = WriterMutant::None;
};

constexpr int kPlannedExit = 9;

// Runs in a process of its own. Sends its ring through `socket`, then appends.
[[noreturn]] void run_writer(const WriterPlan& plan, Shared& shared, int socket);

}  // namespace herald::fault
