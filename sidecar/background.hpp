// Work for libuv's threads, for what may block: files on network disks, syncs.
#pragma once

#include <functional>
#include <memory>

#include "sidecar/uv.hpp"

namespace herald::sidecar {

// Runs `work` on one of libuv's threads, then `done` on the loop, unless `owner` is gone by then.
// `work` must not touch the owner. What either throws is lost. Throws std::system_error where it
// cannot begin.
void run_in_background(uv_loop_t* loop, std::weak_ptr<void> owner, std::function<void()> work,
                       std::function<void()> done);

}  // namespace herald::sidecar
