// A key set in a file: read at the start and whenever the file may be another one. The reading is
// done on libuv's threads.
#pragma once

#include <memory>
#include <string>

#include "sidecar/file_watch.hpp"
#include "sidecar/key_source.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class FileKeys final : public KeySource {
  public:
    // `path` is absolute. The references outlive the object.
    FileKeys(uv_loop_t* loop, std::string path, WatchTimes times, KeyTaker& taker);

    void refetch() noexcept override { watch_.look_soon(); }

  private:
    struct Reading;
    void read() noexcept;
    void on_read(Reading& reading);

    uv_loop_t* loop_;
    std::string path_;
    KeyTaker& taker_;
    FileWatch watch_;
    bool reading_ = false;
    bool again_ = false;                                      // changed while it was being read
    std::shared_ptr<void> alive_ = std::make_shared<char>();  // readings under way hold it weakly
};

}  // namespace herald::sidecar
