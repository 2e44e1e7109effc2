// Calls a thread back from whatever it waits for, so that the sidecar's end waits for no server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "sidecar/fd.hpp"

namespace herald::sidecar::postgres {

class Interrupt {
  public:
    using Clock = std::chrono::steady_clock;

    // What is under way when the end comes has this long to be finished.
    static constexpr std::chrono::milliseconds kGrace{1000};

    Interrupt();  // throws std::system_error

    // Any thread, once.
    void stop() noexcept;

    // -- the thread that waits
    bool is_stopping() const { return stopping_.load(std::memory_order_acquire); }
    // Waits until `fd` is ready for `events` (as in poll): true; false where `deadline`, or the
    // grace after `stop`, is over. Throws std::system_error.
    bool wait(int fd, short events, Clock::time_point deadline) const;

  private:
    Fd event_;
    std::atomic<bool> stopping_{false};  // pairs with `stop`: what it wrote before is there
    Clock::time_point until_{};          // written before `stopping_`
};

}  // namespace herald::sidecar::postgres
