// Lines out of a file or a pipe, one after the other, however long the file is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sidecar/fd.hpp"

namespace herald::cli {

class LineReader {
  public:
    static constexpr size_t kMaxLine = 32 << 20;  // bytes

    // A regular file. Throws std::runtime_error, whose text names it.
    explicit LineReader(const std::string& path);
    // Whatever can be read; `name` is for messages. `before_read` is called before every read,
    // which may block; false ends the lines there.
    LineReader(sidecar::Fd fd, std::string name, std::function<bool()> before_read = {});

    enum class Read { Line, TooLong, End };
    // The next line, without its LF and a CR before that; the last one may end without. The view
    // lives until the next call. TooLong: a line above kMaxLine was stepped over. Throws
    // std::system_error.
    Read next(std::string_view& line);

    const std::string& name() const { return name_; }
    uint64_t line_number() const { return line_number_; }  // of the last line; the first is 1
    uint64_t offset() const { return offset_; }            // bytes, behind the last line
    uint64_t size() const { return size_; }  // bytes when it was opened; 0 for what is no file

  private:
    bool read_more();

    sidecar::Fd fd_;
    std::string name_;
    std::function<bool()> before_read_;
    uint64_t size_ = 0;
    uint64_t line_number_ = 0;
    uint64_t offset_ = 0;
    std::string buffer_{};
    size_t begin_ = 0;  // of what is unread in buffer_
    size_t end_ = 0;
};

}  // namespace herald::cli
