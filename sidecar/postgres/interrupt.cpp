#include "sidecar/postgres/interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace herald::sidecar::postgres {

Interrupt::Interrupt() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_)
        throw std::system_error(errno, std::generic_category(), "make an eventfd");
}

void Interrupt::stop() noexcept {
    until_ = Clock::now() + kGrace;
    stopping_.store(true, std::memory_order_release);
    eventfd_write(event_.get(), 1);
}

bool Interrupt::wait(int fd, short events, Clock::time_point deadline) const {
    for (;;) {
        const bool stopping = is_stopping();
        const auto until = stopping ? std::min(deadline, until_) : deadline;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        if (left <= 0)
            return false;
        // Once it rings it does for good: then only the socket is waited for.
        pollfd fds[] = {{fd, events, 0}, {event_.get(), POLLIN, 0}};
        const int ready =
            poll(fds, stopping ? 1 : 2, static_cast<int>(std::min<int64_t>(left, 60'000)));
        if (ready < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
        if (ready > 0 && fds[0].revents != 0)
            return true;
    }
}

}  // namespace herald::sidecar::postgres
