// Every sign of a change starts one short pause, then one reading; never two at a time.
#include "sidecar/file_keys.hpp"

#include <utility>

#include "ring/trust.hpp"
#include "sidecar/background.hpp"
#include "sidecar/small_file.hpp"

namespace herald::sidecar {

struct FileKeys::Reading {
    std::string path{};
    std::string content{};
    std::string error = "out of memory";
};

FileKeys::FileKeys(uv_loop_t* loop, std::string path, WatchTimes times, KeyTaker& taker)
    : loop_(loop),
      path_(std::move(path)),
      directory_(path_.substr(0, path_.rfind('/') + 1)),
      times_(times),
      taker_(taker),
      settle_(make_timer(loop, this)) {
    watch_directory();
    watch_status();
    read();
}

// What cannot be watched is polled.
void FileKeys::watch_directory() noexcept {
    directory_watch_.reset();
    try {
        auto watch = make_handle<uv_fs_event_t>(
            this, "watch a directory",
            [this](uv_fs_event_t* event) { return uv_fs_event_init(loop_, event); });
        const int error = uv_fs_event_start(
            watch.get(),
            [](uv_fs_event_t* event, const char*, int, int) noexcept {
                owner_of<FileKeys>(event).changed();
            },
            directory_.c_str(), 0);
        if (error == 0)
            directory_watch_ = std::move(watch);
    } catch (const std::exception&) {
        // Out of memory or watches.
    }
}

void FileKeys::watch_status() noexcept {
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
            FileKeys& self = owner_of<FileKeys>(status);
            // The directory may be another one as well, which inotify does not know.
            self.watch_directory();
            self.changed();
        },
        path_.c_str(), times_.poll_ms);
}

void FileKeys::changed() noexcept {
    if (uv_is_active(reinterpret_cast<uv_handle_t*>(settle_.get())))
        return;
    uv_timer_start(
        settle_.get(), [](uv_timer_t* timer) noexcept { owner_of<FileKeys>(timer).read(); },
        times_.settle_ms, 0);
}

void FileKeys::read() noexcept {
    if (reading_) {
        again_ = true;
        return;
    }
    try {
        auto reading = std::make_shared<Reading>();
        reading->path = path_;
        run_in_background(
            loop_, alive_,
            [reading] {
                std::string error;
                reading->content = read_small_file(reading->path, ring::trust::kMaxKeySet, error);
                reading->error = std::move(error);
            },
            [this, reading] { on_read(*reading); });
        reading_ = true;
    } catch (const std::exception&) {
        changed();  // later, when there is memory
    }
}

void FileKeys::on_read(Reading& reading) {
    reading_ = false;
    if (std::exchange(again_, false))
        changed();
    if (reading.error.empty())
        taker_.on_bytes(reading.content);
    else
        taker_.on_failure(reading.error);
}

}  // namespace herald::sidecar
