// The past of channels as the ring has it: found by walking back from their newest records.
#pragma once

#include <cstdint>
#include <vector>

#include "channel.hpp"

namespace herald {

class Worker;

// What walking back through the channels has found.
struct Past {
    std::vector<uint64_t> positions;
    uint64_t cut = UINT64_MAX;  // what is behind this position was left out: too many
    // Events behind the asked-for seq, up to this one, may be gone from the ring; 0: none.
    uint64_t missing_to = 0;
};

// How far back to go: behind `after_seq`, not before `since_ms` (wall clock), at most `limit`
// events.
struct Reach {
    uint64_t after_seq = 0;
    uint64_t since_ms = 0;
    size_t limit = SIZE_MAX;
    bool gaps = true;  // the losses of Redis on the way are part of it
};

// Everything of the topic's channels within reach; of more than the limit the newest.
Past collect(Worker& worker, const Topic& topic, const Reach& reach);

}  // namespace herald
