// Signals in, close callbacks out; everything in between belongs to the parts on the loop.
#include "sidecar/loop.hpp"

#include <csignal>
#include <cstdlib>

#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kCloseWithinMs = 1000;

}  // namespace

Loop::Loop() {
    const int error = uv_loop_init(&loop_);
    if (error < 0)
        throw std::system_error(-error, std::generic_category(), "make an event loop");
    open_ = true;
}

// After an exception: everything on the loop is closed, and only has to be let go.
Loop::~Loop() {
    if (open_)
        close();
}

int Loop::run_until_signal() {
    auto watch = [this](int number) {
        auto handle = make_handle<uv_signal_t>(this, "watch signals", [this](uv_signal_t* signal) {
            return uv_signal_init(&loop_, signal);
        });
        uv_signal_start(
            handle.get(),
            [](uv_signal_t* signal, int came) noexcept {
                owner_of<Loop>(signal).signal_ = came;
                uv_stop(signal->loop);
            },
            number);
        return handle;
    };
    const auto terminate = watch(SIGTERM);
    const auto interrupt = watch(SIGINT);
    uv_run(&loop_, UV_RUN_DEFAULT);
    return signal_;
}

void Loop::close() {
    open_ = false;
    {
        const auto deadline = make_timer(&loop_, nullptr);
        uv_timer_start(
            deadline.get(), [](uv_timer_t* timer) noexcept { uv_stop(timer->loop); },
            kCloseWithinMs, 0);
        uv_unref(reinterpret_cast<uv_handle_t*>(deadline.get()));
        uv_run(&loop_, UV_RUN_DEFAULT);
    }
    uv_run(&loop_, UV_RUN_NOWAIT);
    if (uv_loop_close(&loop_) == 0)
        return;
    log::flush();
    std::_Exit(EXIT_SUCCESS);
}

}  // namespace herald::sidecar
