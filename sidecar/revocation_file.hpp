// The file that revocations are kept in, and the thread that writes it.
//
// Lines are only ever appended, and are on disk before `written` counts them. The file is read
// once, at the start; what is there twice is taken out then, and whenever it makes up most of the
// file. While the disk fails, lines count as written after the first failure, and those that come
// later at once, so that they have effect all the same; they are tried again until they are on
// disk.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "sidecar/fd.hpp"
#include "sidecar/revocation.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class RevocationFile {
  public:
    // Reads what is there into `set`: a torn last line is cut off; lines that are none are told and
    // left out, and the file as it was is kept as `path`.damaged. `written(n)` is called on the
    // loop: the next n lines that were appended are on disk. Throws std::system_error.
    RevocationFile(uv_loop_t* loop, std::string path, RevocationSet& set,
                   std::function<void(size_t lines)> written);
    // Writes what is left; `written` is not called any more.
    ~RevocationFile();
    RevocationFile(const RevocationFile&) = delete;
    RevocationFile& operator=(const RevocationFile&) = delete;

    // One line with its LF.
    void append(std::string_view line);

  private:
    struct Found {
        size_t lines = 0;
        size_t bad = 0;
    };
    Found read(RevocationSet& set);
    void compact(const RevocationSet& set, bool keep_old);
    void open();
    bool is_open() noexcept;
    void run() noexcept;
    bool write(std::string_view lines) noexcept;
    void fail(const char* what, int error) noexcept;
    void compact_where_due() noexcept;
    void count_written(size_t lines) noexcept;
    bool pause() noexcept;
    void tell_written();

    std::string path_;
    std::function<void(size_t)> written_;

    // The thread's, once it runs.
    Fd fd_{};              // none where it could not be opened again
    off_t size_ = 0;       // of the file: whole lines
    size_t lines_ = 0;     // in the file
    size_t distinct_ = 0;  // when it was compacted last
    bool failing_ = false;

    std::mutex mutex_{};
    std::condition_variable wake_{};
    std::string queue_{};  // lines; mutex_
    size_t queued_ = 0;    // their number; mutex_
    size_t told_ = 0;      // of these, while the disk fails; mutex_
    size_t done_ = 0;      // written and not told yet; mutex_
    bool stop_ = false;    // mutex_

    Handle<uv_async_t> async_;
    std::thread thread_{};
};

}  // namespace herald::sidecar
