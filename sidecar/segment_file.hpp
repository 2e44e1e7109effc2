// The segment that is being written: whole lines go to its end, or nothing does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

// Functions return 0, or the errno of what has failed.
class SegmentFile {
  public:
    // Opens a file for appending; makes it where it is missing. What it already has counts as
    // lines; where it ends in an unfinished one, that is ended first.
    int open(const std::string& path);
    void close() { file_.reset(); }
    bool is_open() const { return static_cast<bool>(file_); }

    // Appends lines in one write. After an error the file is cut back to where it was; where that
    // is not to be had either, it is closed.
    int append(std::string_view lines);

    // Cuts the file back to `size` bytes; where that fails, it is closed.
    void cut(uint64_t size);

    // Everything that was appended is on disk when it returns 0. After an error nobody knows what
    // is, and asking again does not tell.
    int sync();

    uint64_t size() const { return size_; }  // bytes
    int fd() const { return file_.get(); }

  private:
    int write_all(std::string_view bytes);

    Fd file_{};
    uint64_t size_ = 0;
    bool unfinished_ = false;  // the last byte is no LF
};

}  // namespace herald::sidecar
