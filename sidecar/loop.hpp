// The sidecar's event loop, from the first handle to the last close callback.
#pragma once

#include "sidecar/uv.hpp"

namespace herald::sidecar {

class Loop {
  public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    uv_loop_t* get() { return &loop_; }

    // Runs until SIGTERM or SIGINT comes; returns which.
    int run_until_signal();

    // Lets everything end that was closed. A name look-up that hangs in the C library cannot be
    // called off; rather than wait for it, the process ends here, with exit code 0.
    void close();

  private:
    uv_loop_t loop_{};
    bool open_ = false;
    int signal_ = 0;
};

}  // namespace herald::sidecar
