#include "sidecar/cli/interrupt.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace herald::cli {

namespace {

volatile std::sig_atomic_t heard = 0;
volatile std::sig_atomic_t wake = -1;  // the eventfd

void hear(int number) noexcept {
    const int saved = errno;
    heard = number;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = write(wake, &one, sizeof one);
    errno = saved;
}

void handle(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
    heard = 0;
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0)
        throw std::system_error(errno, std::generic_category(), "make an eventfd");
    handle(SIGINT, hear);
    handle(SIGTERM, hear);
}

Interrupt::~Interrupt() {
    handle(SIGINT, SIG_DFL);
    handle(SIGTERM, SIG_DFL);
    close(wake);
    wake = -1;
}

int Interrupt::fd() const {
    return wake;
}

int Interrupt::signal() const {
    return heard;
}

}  // namespace herald::cli
