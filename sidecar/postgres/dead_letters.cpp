#include "sidecar/postgres/dead_letters.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "sidecar/fd.hpp"
#include "sidecar/files.hpp"

namespace herald::sidecar::postgres {

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + " " + path);
}

// All of it or nothing: what a full disk has taken of a line is cut off again.
void write_all(const Fd& file, std::string_view lines, off_t size, const std::string& path) {
    while (!lines.empty()) {
        const ssize_t put = write(file.get(), lines.data(), lines.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            const int error = errno;
            if (ftruncate(file.get(), size) != 0)
                fail("truncate", path);
            errno = error;
            fail("append to", path);
        }
        lines.remove_prefix(static_cast<size_t>(put));
    }
}

}  // namespace

// Opened each time: it is rarely needed, and may be moved away meanwhile.
void DeadLetters::append(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    make_directories(directory_, 0750);
    const Fd file(
        open(path().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    struct stat status {};
    if (!file || fstat(file.get(), &status) != 0)
        fail("open", path());
    if (static_cast<uint64_t>(status.st_size) + lines.size() > max_bytes_)
        throw std::runtime_error(path() + " is full; move it away");
    write_all(file, lines, status.st_size, path());
    if (fdatasync(file.get()) != 0)
        fail("sync", path());
}

}  // namespace herald::sidecar::postgres
