// Waiting for what the loop is to bring.
#pragma once

#include "sidecar/uv.hpp"

namespace herald::sidecar {

// Runs the loop until something has happened, for as long as that takes. Another thread may bring
// it, which wakes no loop, and so may a timer, after which one turn of libuv's waits for what comes
// next: so it is looked for every few milliseconds as well.
template <class Happened>
void run_until(uv_loop_t* loop, Happened happened) {
    constexpr uint64_t kPulseMs = 5;
    const auto pulse = make_timer(loop, nullptr);
    uv_timer_start(
        pulse.get(), [](uv_timer_t*) noexcept {}, kPulseMs, kPulseMs);
    while (!happened())
        uv_run(loop, UV_RUN_ONCE);
}

}  // namespace herald::sidecar
