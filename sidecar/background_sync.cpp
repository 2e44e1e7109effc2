// A job belongs to libuv until its callback on the loop has run; whoever settles it lets go of it.
//
//     Queued ──thread──▶ Running ──thread──▶ Done
//        └─────loop────▶ CalledOff
#include "sidecar/background_sync.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "sidecar/disk_calls.hpp"
#include "sidecar/fd.hpp"

namespace herald::sidecar {

namespace {

enum State : int { kQueued, kRunning, kDone, kCalledOff };

}  // namespace

struct BackgroundSync::Job {
    uv_work_t request{};
    Fd fd{};
    Result result{};  // the thread's until Done (release, acquire)
    std::atomic<int> state = kQueued;
    BackgroundSync* owner = nullptr;  // the loop's; null: settled
};

BackgroundSync::BackgroundSync(uv_loop_t* loop, std::function<void(Result)> done)
    : loop_(loop), done_(std::move(done)) {}

BackgroundSync::~BackgroundSync() {
    settle();
}

bool BackgroundSync::start(int fd, uint64_t seq) {
    std::unique_ptr<Job> job(new (std::nothrow) Job);
    if (job == nullptr)
        return false;
    job->fd = Fd(dup(fd));
    if (!job->fd)
        return false;
    job->result.seq = seq;
    job->owner = this;
    job->request.data = job.get();

    const auto work = [](uv_work_t* request) noexcept {
        Job& mine = *static_cast<Job*>(request->data);
        int expected = kQueued;
        if (!mine.state.compare_exchange_strong(expected, kRunning))
            return;
        mine.result.error = g_disk.fdatasync(mine.fd.get()) == 0 ? 0 : errno;
        mine.state.store(kDone, std::memory_order_release);
        mine.state.notify_one();
    };
    const auto after = [](uv_work_t* request, int) noexcept {
        const std::unique_ptr<Job> mine(static_cast<Job*>(request->data));
        if (mine->owner == nullptr)
            return;
        mine->owner->job_ = nullptr;
        mine->owner->done_(mine->result);
    };
    if (uv_queue_work(loop_, &job->request, work, after) != 0)
        return false;
    job_ = job.release();
    return true;
}

std::optional<BackgroundSync::Result> BackgroundSync::settle() {
    if (job_ == nullptr)
        return std::nullopt;
    Job& job = *std::exchange(job_, nullptr);
    job.owner = nullptr;
    int state = kQueued;
    if (job.state.compare_exchange_strong(state, kCalledOff))
        return std::nullopt;
    job.state.wait(kRunning, std::memory_order_acquire);
    return job.result;
}

}  // namespace herald::sidecar
