// Opened without blocking, looked at, then read.
#include "sidecar/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

std::string read_small_file(const std::string& path, size_t limit, std::string& error) {
    const Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) {
        error = std::strerror(errno);
        return {};
    }
    if (!S_ISREG(status.st_mode)) {
        error = "not a plain file";
        return {};
    }
    // A byte more than there is tells that it has not grown since.
    std::string content(std::min(limit, static_cast<size_t>(status.st_size)) + 1, '\0');
    size_t size = 0;
    for (;;) {
        if (size == content.size() && size > limit)
            break;
        if (size == content.size())
            content.resize(std::min(limit + 1, 2 * size));
        const ssize_t got = read(fd.get(), content.data() + size, content.size() - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error = std::strerror(errno);
            return {};
        }
        if (got == 0)
            break;
        size += static_cast<size_t>(got);
    }
    content.resize(size);
    return content;
}

}  // namespace herald::sidecar
