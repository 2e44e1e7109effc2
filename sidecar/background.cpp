// A job belongs to libuv until its callback on the loop has run.
#include "sidecar/background.hpp"

#include <utility>

namespace herald::sidecar {

namespace {

struct Job {
    uv_work_t request{};
    std::weak_ptr<void> owner{};
    std::function<void()> work{};
    std::function<void()> done{};
};

void run(const std::function<void()>& function) noexcept {
    try {
        function();
    } catch (const std::exception&) {
        // Out of memory: whoever waits for a result finds none.
    }
}

}  // namespace

void run_in_background(uv_loop_t* loop, std::weak_ptr<void> owner, std::function<void()> work,
                       std::function<void()> done) {
    auto job = std::make_unique<Job>();
    job->owner = std::move(owner);
    job->work = std::move(work);
    job->done = std::move(done);
    job->request.data = job.get();
    const int error = uv_queue_work(
        loop, &job->request,
        [](uv_work_t* request) noexcept { run(static_cast<Job*>(request->data)->work); },
        [](uv_work_t* request, int) noexcept {
            const std::unique_ptr<Job> mine(static_cast<Job*>(request->data));
            if (const auto alive = mine->owner.lock())
                run(mine->done);
        });
    if (error != 0)
        throw std::system_error(-error, std::generic_category(), "start a job on a thread");
    static_cast<void>(job.release());
}

}  // namespace herald::sidecar
