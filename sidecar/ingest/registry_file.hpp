// One look at the registry file, on a thread: what it is now, and what it says. Believes nothing
// that is being written.
//
// A file's key is its (mtime, size, inode). Times of files are coarse, so a file can change twice
// under one key; and a file that is written while it is read gives a mixture. So its content counts
// only where its key was the same at an earlier look, kRestMs or more ago, and still is the same
// when it has been read.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/ingest/run_snapshot.hpp"

namespace herald::sidecar {

struct FileKey {
    int64_t mtime_s = 0;
    int64_t mtime_ns = 0;
    uint64_t size = 0;
    uint64_t inode = 0;
    bool operator==(const FileKey&) const = default;
};

constexpr uint64_t kRestMs = 20;  // more than two ticks of any kernel's clock

// What was known before the look.
struct KnownFile {
    std::optional<FileKey> judged{};            // good or not, this one has been read
    std::optional<FileKey> seen{};              // at the last look
    std::shared_ptr<const RunSnapshot> told{};  // what has been published
    uint64_t max_size = 0;                      // bytes
};

struct Look {
    enum class Found {
        Same,     // it has been judged already
        Moving,   // it is to be looked at again, in kRestMs
        Nothing,  // is there to be read, see `wrong`
        Bad,      // it says nothing, see `wrong`
        Good,
    };
    Found found = Found::Nothing;
    FileKey key{};
    std::string wrong = "cannot be read: out of memory";
    std::shared_ptr<const RunSnapshot> runs{};
    size_t left_out = 0;  // as in ReadRegistry
    std::vector<RunChange> changes{};
};

Look look_at_registry(const std::string& path, const KnownFile& known);

}  // namespace herald::sidecar
