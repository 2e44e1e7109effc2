// One channel's file: lines are appended, and what a crash has left behind is stepped over first.
//
// While the file is behind (`is_comparing`), lines come that it may have already. They are
// compared with what is there:
//
//   the line is there                           it is not written again
//   the file ends in the middle of it           the missing part is appended
//   other whole lines are there                 they stay; behind them it goes on
//   something that is no line (zeros, half      cut off, the only case in which anything is;
//   a line)                                     what belongs there follows
//
// Functions throw std::system_error, whose text names the path.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

class JsonlFile {
  public:
    explicit JsonlFile(std::string path) : path_(std::move(path)) {}

    const std::string& path() const { return path_; }

    // The lines that come next may be in the file from the byte `position` on.
    void compare_from(uint64_t position);

    // Opens the file, or makes sure that the open one is still what the path names; makes it, and
    // the directories above, where it is missing. A file that is met for the first time, and was
    // last written before `compare_before_ns`, is compared from its start. True where what was
    // known of the file no longer holds: it was replaced, or cut by somebody.
    bool open(int64_t compare_before_ns);
    void close() { fd_.reset(); }
    bool is_open() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }
    dev_t device() const { return device_; }

    // Where the next line belongs, in bytes.
    uint64_t position() const { return position_; }
    bool is_comparing() const { return comparing_; }
    // Whether the file, open or not, has bytes behind `position`.
    bool is_ahead() const;

    // Appends whole lines, or steps over them. The file is open. `again`: what is there already is
    // written once more in its place, because a failed sync may have lost it. After an exception,
    // `undo` takes a half-written end away and closes the file.
    void append(std::string_view lines, bool again);
    void undo() noexcept;

    // What is behind `position` stays, up to the last whole line: the lines that come next are all
    // new.
    void keep_rest();

    // Marks it as written to now, which `compare_before_ns` goes by.
    void mark();

    // On disk, whether it is open or not. A file that is gone counts.
    void sync() const;

  private:
    void open_descriptor();
    std::string_view step_over(std::string_view lines, bool again);
    bool has(std::string_view bytes) const;
    size_t find_line(std::string_view line);
    void rewrite(std::string_view bytes) const;
    void cut(uint64_t size);
    void write_all(std::string_view bytes);

    std::string path_;
    Fd fd_{};
    dev_t device_ = 0;
    ino_t inode_ = 0;  // 0: never opened
    uint64_t position_ = 0;
    uint64_t size_ = 0;  // of the file, when it was last looked at
    bool comparing_ = false;
    bool unterminated_ = false;  // its last byte is no LF, though it should be
};

}  // namespace herald::sidecar
