// Every sign of a change starts one short pause, then one call.
#include "sidecar/file_watch.hpp"

#include <utility>

namespace herald::sidecar {

FileWatch::FileWatch(uv_loop_t* loop, std::string path, WatchTimes times,
                     std::function<void()> changed)
    : loop_(loop),
      path_(std::move(path)),
      directory_(path_.substr(0, path_.rfind('/') + 1)),
      times_(times),
      changed_(std::move(changed)),
      settle_(make_timer(loop, this)) {
    watch_directory();
    watch_status();
}

// What cannot be watched is polled.
void FileWatch::watch_directory() noexcept {
    directory_watch_.reset();
    try {
        auto watch = make_handle<uv_fs_event_t>(
            this, "watch a directory",
            [this](uv_fs_event_t* event) { return uv_fs_event_init(loop_, event); });
        const int error = uv_fs_event_start(
            watch.get(),
            [](uv_fs_event_t* event, const char*, int, int) noexcept {
                owner_of<FileWatch>(event).look_soon();
            },
            directory_.c_str(), 0);
        if (error == 0)
            directory_watch_ = std::move(watch);
    } catch (const std::exception&) {
        // Out of memory or watches.
    }
}

void FileWatch::watch_status() noexcept {
    try {
        status_watch_ = make_handle<uv_fs_poll_t>(
            this, "poll a file",
            [this](uv_fs_poll_t* status) { return uv_fs_poll_init(loop_, status); });
    } catch (const std::exception&) {
        return;
    }
    // Called when the status is another one, or cannot be had for another reason.
    uv_fs_poll_start(
        status_watch_.get(),
        [](uv_fs_poll_t* status, int, const uv_stat_t*, const uv_stat_t*) noexcept {
            FileWatch& self = owner_of<FileWatch>(status);
            // The directory may be another one as well, which inotify does not know.
            self.watch_directory();
            self.look_soon();
        },
        path_.c_str(), times_.poll_ms);
}

void FileWatch::look_soon() noexcept {
    if (uv_is_active(reinterpret_cast<uv_handle_t*>(settle_.get())))
        return;
    uv_timer_start(
        settle_.get(), [](uv_timer_t* timer) noexcept { owner_of<FileWatch>(timer).changed_(); },
        times_.settle_ms, 0);
}

}  // namespace herald::sidecar
