// Where events are written: a file, or standard output. What is appended is kept until `flush`, or
// until it is much.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/cli/interrupt.hpp"
#include "sidecar/fd.hpp"

namespace herald::cli {

// Every function that writes throws std::system_error, whose text names the file, and
// std::runtime_error once `interrupt` came while a pipe did not take more. A file has whole pieces
// then: what was written in part is taken back.
class EventFile {
  public:
    // Makes the file and the directories above it. `append`: what is in it stays, and its last line
    // gets its end where it lacks one; else it is emptied.
    EventFile(const std::string& path, bool append, const Interrupt& interrupt);
    // Something open, such as standard output.
    EventFile(sidecar::Fd fd, std::string name, const Interrupt& interrupt);

    void append(std::string_view piece);
    void flush();
    // How many lines are written for sure.
    uint64_t lines() const { return lines_; }
    void close();  // flushes, and says what only a close finds out

  private:
    void write_all(std::string_view bytes);
    ssize_t write_some(std::string_view bytes);
    void keep(std::string_view written);
    [[noreturn]] void fail(int error);

    std::string name_;
    const Interrupt& interrupt_;
    sidecar::Fd fd_;
    bool regular_ = false;
    bool gave_up_ = false;
    int64_t size_ = 0;  // of a regular file, as far as it has whole pieces
    uint64_t lines_ = 0;
    std::string buffer_{};
};

}  // namespace herald::cli
