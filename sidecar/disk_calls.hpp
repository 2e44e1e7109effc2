// The system calls by which the journal and the revocations reach the disk, so that a test can let
// them fail.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace herald::sidecar {

struct DiskCalls {
    ssize_t (*write)(int fd, const void* bytes, size_t size) = ::write;
    int (*fdatasync)(int fd) = ::fdatasync;  // also on libuv's threads
    int (*ftruncate)(int fd, off_t size) = ::ftruncate;
    int (*open)(const char* path, int flags, ...) = ::open;  // of the revocations
};

inline DiskCalls g_disk{};

}  // namespace herald::sidecar
