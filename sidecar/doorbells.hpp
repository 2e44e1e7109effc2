// The doorbells of all attached workers. The control server hangs them up and takes them down, the
// publisher rings.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <vector>

namespace herald::sidecar {

class Doorbells {
  public:
    // `fd`: an eventfd that its owner keeps open until it is removed.
    void add(int fd) { fds_.push_back(fd); }
    void remove(int fd) { std::erase(fds_, fd); }

    // Wakes every worker. Never blocks: an eventfd that is full has rung already.
    void ring() const noexcept {
        const uint64_t one = 1;
        for (int fd : fds_)
            static_cast<void>(!write(fd, &one, sizeof one));
    }

  private:
    std::vector<int> fds_{};
};

}  // namespace herald::sidecar
