// The memory that all processes of a fault run share, apart from the rings: what has happened so
// far. It outlives every killed process and is how the harness knows what a ring must hold.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace herald::fault {

constexpr int kReaders = 3;
using Count = std::atomic<uint64_t>;

// One life of the writer, and its ring.
struct Incarnation {
    Count published;  // the highest seq whose append came to its end
    Count vandal;     // the seq of the record that its writer damaged on purpose; 0: none
};

struct ReaderState {
    Count last;       // has been read, or was reported lost, up to this seq
    Count attached;   // the incarnation whose ring it reads
    Count accepted;   // records verified whole
    Count peeked;     // records of which only the header was read, and verified
    Count lapped;     // times overtaken
    Count lost;       // seqs reported lost
    Count skipped;    // records met again, in the next ring
    Count damaged;    // rings that ended in a damaged record
    Count rechecked;  // records read out of order, at the edge or along a channel
};

struct Shared {
    Count journaled;  // the highest seq that the journal has: journal first, then ring
    alignas(64) ReaderState readers[kReaders];
    alignas(64) Incarnation incarnations[1];  // in fact as many as were asked for
};

inline Shared& make_shared_state(uint64_t incarnations) {
    const size_t size = sizeof(Shared) + incarnations * sizeof(Incarnation);
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "map the shared state");
    return *static_cast<Shared*>(memory);  // lives as long as the process
}

// Each counter has one writer.
inline void add(Count& count, uint64_t n = 1) {
    count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace herald::fault
