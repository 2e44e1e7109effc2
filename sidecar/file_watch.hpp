// Says when a file may have become another one.
//
// Its directory is watched (inotify), because files are replaced by renaming, and so are the links
// that lead to them; the file's status is polled as well, for network disks and for directories
// that come and go. What the file is, whoever watches finds out himself.
#pragma once

#include <functional>
#include <string>

#include "sidecar/uv.hpp"

namespace herald::sidecar {

struct WatchTimes {
    uint64_t settle_ms = 100;  // from the first sign of a change to the call
    unsigned poll_ms = 5000;
};

class FileWatch {
  public:
    // `path` is absolute; nothing of it needs to be there. `changed` is called on the loop, never
    // from within a call; it must not throw. The loop outlives the watch.
    FileWatch(uv_loop_t* loop, std::string path, WatchTimes times, std::function<void()> changed);

    // As if there were a sign of a change.
    void look_soon() noexcept;

  private:
    void watch_directory() noexcept;
    void watch_status() noexcept;

    uv_loop_t* loop_;
    std::string path_;
    std::string directory_;
    WatchTimes times_;
    std::function<void()> changed_;
    Handle<uv_timer_t> settle_;
    Handle<uv_fs_event_t> directory_watch_{};  // none while there is no such directory
    Handle<uv_fs_poll_t> status_watch_{};
};

}  // namespace herald::sidecar
