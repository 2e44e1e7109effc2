#include "page_file.hpp"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>

namespace herald {

namespace {

int g_open = 0;

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
}

}  // namespace

int make_page_file(std::string_view bytes) noexcept {
    if (g_open == kMostPageFiles)
        return kNoPageFile;
    const int file = memfd_create("herald-segment", MFD_CLOEXEC);
    if (file < 0)
        return kNoPageFile;
    if (!write_all(file, bytes)) {
        close(file);
        return kNoPageFile;
    }
    ++g_open;
    return file;
}

void close_page_file(int file) noexcept {
    close(file);
    --g_open;
}

// Linux may end sendfile() at any time without saying why: only what fails says that the socket is
// full.
ssize_t send_page_file(int socket, int file, size_t offset, size_t size) noexcept {
    size_t sent = 0;
    while (sent < size) {
        auto at = static_cast<off_t>(offset + sent);
        const ssize_t now = sendfile(socket, file, &at, size - sent);
        if (now < 0 && errno == EINTR)
            continue;
        if (now == 0)
            errno = EIO;  // the file is shorter than was said
        if (now <= 0)
            return sent != 0 ? static_cast<ssize_t>(sent) : -1;
        sent += static_cast<size_t>(now);
    }
    return static_cast<ssize_t>(sent);
}

}  // namespace herald
