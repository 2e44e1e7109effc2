// A file in memory that can never be run.
#pragma once

#include <sys/mman.h>

#include <cerrno>

namespace herald::ring {

// The descriptor of a new file (memfd_create(2)), closed on exec; -1 and errno. `flags`: further
// MFD_ ones. Where vm.memfd_noexec is 2 the kernel makes no other files; before Linux 6.3 it does
// not know the flag.
inline int make_memory_file(const char* name, unsigned flags) noexcept {
    constexpr unsigned kNoExecSeal = 8;  // MFD_NOEXEC_SEAL
    const int file = memfd_create(name, MFD_CLOEXEC | kNoExecSeal | flags);
    return file < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC | flags) : file;
}

}  // namespace herald::ring
