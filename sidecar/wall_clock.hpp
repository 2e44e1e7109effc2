// The time that people and files know. It jumps: not for measuring how long something takes.
#pragma once

#include <chrono>
#include <cstdint>

namespace herald::sidecar {

// Milliseconds since 1970.
inline uint64_t wall_clock_ms() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

}  // namespace herald::sidecar
