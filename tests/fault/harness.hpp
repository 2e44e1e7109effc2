// One fault run: readers that stay, and one writer after the other that is killed.
#pragma once

#include <cstdint>

#include "chaos_writer.hpp"

namespace herald::fault {

// Readers that leave out one of their checks, to prove that it is needed.
enum class ReaderMutant { None, NoBounds, NoIntentOnHeader, NoIntentOnBody };

struct RunOptions {
    uint64_t messages = 1'000'000;
    uint64_t kills = 500;
    uint64_t seed = 1;
    WriterMutant writer = WriterMutant::None;
    ReaderMutant reader = ReaderMutant::None;
    bool prints = true;
};

// Whether every invariant held and every reader read to the end.
bool run_harness(const RunOptions& options);

}  // namespace herald::fault
