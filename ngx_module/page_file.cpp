#include "page_file.hpp"

#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>

#include "ring/memory_file.hpp"

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
    if (g_open == kMostPageFiles || bytes.size() > kMostPageFileBytes)
        return kNoPageFile;
    const int file = ring::make_memory_file("herald-segment", 0);
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
PagesSent send_page_file(int socket, int file, size_t offset, size_t size, size_t& sent) noexcept {
    while (size != 0) {
        auto at = static_cast<off_t>(offset);
        const ssize_t now = sendfile(socket, file, &at, size);
        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0 && errno == EAGAIN)
            return PagesSent::Full;
        if (now <= 0)
            return PagesSent::Refused;
        sent += static_cast<size_t>(now);
        offset += static_cast<size_t>(now);
        size -= static_cast<size_t>(now);
    }
    return PagesSent::All;
}

}  // namespace herald
