// The sidecar's state directory: belongs to one sidecar at a time, remembers the names of its logs.
//
//   lock   held with flock for as long as the sidecar lives; holds its process id, for people
//   logs   the names of all logs, one a line, 8 hex digits, the newest last; the newest 64 are kept
//
// What else lies in it belongs to the parts that make it: `journal/` and `continuity` to the
// journal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

class StateDirectory {
  public:
    // Makes the directory where it is missing and locks it. Throws std::runtime_error, which names
    // the other process where there is one.
    explicit StateDirectory(std::string path);

    const std::string& path() const { return path_; }

    // Every log so far, the oldest first. Lines that are no log names are left out.
    std::vector<uint32_t> logs() const;

    // Gives a new log a name that no other in `logs` has, and remembers it. Throws
    // std::system_error.
    uint32_t add_log();

    // Sees to it that a log is in `logs`; as the newest, where it was not. Throws
    // std::system_error.
    void remember_log(uint32_t log);

  private:
    void lock();
    void write_logs(std::vector<uint32_t> logs);

    std::string path_;
    Fd lock_{};
};

// A log's name as it is written everywhere: 8 lower-case hex digits.
std::string log_name(uint32_t log);

}  // namespace herald::sidecar
