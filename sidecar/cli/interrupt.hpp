// Ctrl-C and SIGTERM, for a command that ends in order: they are remembered, and wake whoever
// polls.
#pragma once

namespace herald::cli {

// One at a time. System calls that were under way end with EINTR.
class Interrupt {
  public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    int fd() const;      // readable from the first signal on
    int signal() const;  // 0: none has come
};

}  // namespace herald::cli
