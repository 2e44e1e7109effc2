// One fdatasync at a time on libuv's threads, for the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "sidecar/uv.hpp"

namespace herald::sidecar {

class BackgroundSync {
  public:
    struct Result {
        uint64_t seq = 0;  // as given to `start`
        int error = 0;     // errno; 0: everything up to `seq` is on disk
    };

    // `done` is called on the loop for each sync that was not settled.
    BackgroundSync(uv_loop_t* loop, std::function<void(Result)> done);
    ~BackgroundSync();  // settles
    BackgroundSync(const BackgroundSync&) = delete;
    BackgroundSync& operator=(const BackgroundSync&) = delete;

    bool is_active() const { return job_ != nullptr; }

    // Begins to sync what was written to `fd`, of which it keeps a duplicate; nothing may be
    // active. False where it could not begin.
    bool start(int fd, uint64_t seq);

    // Ends the sync under way: calls it off where it has not begun, else waits for it. Nothing
    // where there is no result.
    std::optional<Result> settle();

  private:
    struct Job;
    uv_loop_t* loop_;
    std::function<void(Result)> done_;
    Job* job_ = nullptr;  // owned by the loop until its last callback
};

}  // namespace herald::sidecar
