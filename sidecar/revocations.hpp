// The revocations that are in force: kept on disk first, then told to every worker.
//
// What workers are told is a log: a worker has a cursor into it and gets what lies behind that, the
// whole of it at first. Where most of the log is superseded it is written anew, and every worker
// starts over.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "sidecar/revocation_file.hpp"

namespace herald::sidecar {

class Revocations {
  public:
    // Reads the file. `changed` is called on the loop when there is more in the log. Throws
    // std::system_error.
    Revocations(uv_loop_t* loop, const std::string& path, std::function<void()> changed,
                size_t limit = ring::trust::kMaxRevocations);
    Revocations(const Revocations&) = delete;
    Revocations& operator=(const Revocations&) = delete;

    // False where there is no room for another one. Has effect as soon as it is on disk.
    bool add(Revocation revocation);
    size_t size() const { return set_.size(); }

    // How far a worker has been told; a fresh one: not at all.
    struct Cursor {
        uint64_t generation = 0;
        size_t chunk = 0;
        size_t offset = 0;   // bytes of the chunk
        uint32_t count = 0;  // revocations of the chunk
        bool whole = false;  // the end of the log was reached once
    };
    // The next message for a worker, behind its cursor; false where it has been told everything.
    bool next(Cursor& cursor, std::string& message) const;

  private:
    struct Chunk {
        std::string items{};
        uint32_t count = 0;
    };
    void append(const Revocation& revocation);
    void rebuild();
    void on_written(size_t lines);
    bool at_end(const Cursor& cursor) const;

    std::function<void()> changed_;
    RevocationSet set_;                 // also what is not on disk yet
    std::deque<Revocation> waiting_{};  // to be on disk
    std::vector<Chunk> chunks_ =
        std::vector<Chunk>(1);  // the log; none but the last is ever added to
    size_t logged_ = 0;         // revocations in the log
    uint64_t generation_ = 1;   // of the log
    RevocationFile file_;
};

}  // namespace herald::sidecar
