// The system calls by which the journal reaches the disk, so that a test can let them fail.
#pragma once

#include <sys/types.h>
#include <unistd.h>

namespace herald::sidecar {

struct DiskCalls {
    ssize_t (*write)(int fd, const void* bytes, size_t size) = ::write;
    int (*fdatasync)(int fd) = ::fdatasync;  // also on libuv's threads
    int (*ftruncate)(int fd, off_t size) = ::ftruncate;
};

inline DiskCalls g_disk{};

}  // namespace herald::sidecar
