// Waiting for what the loop is to bring.
#pragma once

#include "sidecar/uv.hpp"

namespace herald::sidecar {

// Runs the loop until something has happened, for as long as that takes. It is looked for before
// each poll as well: one turn of libuv's runs timers and then waits for what comes next, which may
// be nothing.
template <class Happened>
void run_until(uv_loop_t* loop, Happened happened) {
    struct Watch {
        Happened& happened;
        bool is_over;
    } watch{happened, happened()};
    const auto before_poll = make_handle<uv_prepare_t>(
        &watch, "prepare", [loop](uv_prepare_t* handle) { return uv_prepare_init(loop, handle); });
    uv_prepare_start(before_poll.get(), [](uv_prepare_t* handle) {
        auto& waiting = owner_of<Watch>(handle);
        waiting.is_over = waiting.is_over || waiting.happened();
        if (waiting.is_over)
            uv_stop(handle->loop);
    });
    while (!watch.is_over) {
        uv_run(loop, UV_RUN_ONCE);
        watch.is_over = watch.is_over || happened();
    }
}

}  // namespace herald::sidecar
