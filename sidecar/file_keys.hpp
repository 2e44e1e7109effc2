// A key set in a file: read at the start and whenever the file may be another one.
//
// The directory is watched (inotify), because files are replaced by renaming, and so are the links
// that lead to them; the file's status is polled as well, for network disks and for directories
// that come and go. The reading is done on libuv's threads.
#pragma once

#include <memory>
#include <string>

#include "sidecar/key_source.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

struct WatchTimes {
    uint64_t settle_ms = 100;  // from the first sign of a change to the reading
    unsigned poll_ms = 5000;
};

class FileKeys final : public KeySource {
  public:
    // `path` is absolute. The references outlive the object.
    FileKeys(uv_loop_t* loop, std::string path, WatchTimes times, KeyTaker& taker);

    void refetch() noexcept override { changed(); }

  private:
    struct Reading;
    void watch_directory() noexcept;
    void watch_status() noexcept;
    void changed() noexcept;
    void read() noexcept;
    void on_read(Reading& reading);

    uv_loop_t* loop_;
    std::string path_;
    std::string directory_;
    WatchTimes times_;
    KeyTaker& taker_;
    Handle<uv_timer_t> settle_;
    Handle<uv_fs_event_t> directory_watch_{};  // none while there is no such directory
    Handle<uv_fs_poll_t> status_watch_{};
    bool reading_ = false;
    bool again_ = false;                                      // changed while it was being read
    std::shared_ptr<void> alive_ = std::make_shared<char>();  // readings under way hold it weakly
};

}  // namespace herald::sidecar
