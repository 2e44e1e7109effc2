// POSIX calls whose errors become exceptions; interrupted calls are repeated.
#include "sidecar/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + " " + path);
}

Fd open_or_throw(const std::string& path, int flags, mode_t mode = 0) {
    Fd fd(open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd)
        fail("open", path);
    return fd;
}

}  // namespace

void make_directories(const std::string& path, mode_t mode) {
    for (size_t end = 0; end != path.npos;) {
        end = path.find('/', end + 1);
        const std::string part = path.substr(0, end);
        if (mkdir(part.c_str(), mode) == 0) {
            if (chmod(part.c_str(), mode) != 0)
                fail("set the mode of", part);
        } else if (struct stat status{};
                   stat(part.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
            if (errno == EEXIST)
                errno = ENOTDIR;
            fail("make directory", part);
        }
    }
}

std::string read_file(const std::string& path) {
    const Fd fd = open_or_throw(path, O_RDONLY);
    std::string content;
    char buffer[16 * 1024];
    for (;;) {
        const ssize_t got = read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail("read", path);
        if (got == 0)
            return content;
        content.append(buffer, static_cast<size_t>(got));
    }
}

void replace_file(const std::string& path, std::string_view content) {
    const std::string fresh = path + ".tmp";
    const Fd fd = open_or_throw(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    while (!content.empty()) {
        const ssize_t put = write(fd.get(), content.data(), content.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            fail("write", fresh);
        content.remove_prefix(static_cast<size_t>(put));
    }
    if (fsync(fd.get()) != 0)
        fail("fsync", fresh);
    if (rename(fresh.c_str(), path.c_str()) != 0)
        fail("rename", fresh);

    // The new name is on disk only when its directory is.
    const std::string directory = path.substr(0, path.rfind('/') + 1) + ".";
    if (fsync(open_or_throw(directory, O_RDONLY | O_DIRECTORY).get()) != 0)
        fail("fsync", directory);
}

}  // namespace herald::sidecar
