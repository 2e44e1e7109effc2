// O_APPEND: whatever else writes into the file, a piece is never written over another.
#include "sidecar/cli/event_file.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace herald::cli {

namespace {

constexpr size_t kMuch = 256 * 1024;

bool lacks_line_end(int fd, int64_t size) {
    char last = '\n';
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

EventFile::EventFile(const std::string& path, bool append, const Interrupt& interrupt)
    : name_(path), interrupt_(interrupt) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    std::error_code error;
    if (!parent.empty())
        std::filesystem::create_directories(parent, error);
    if (error)
        throw std::system_error(error, parent.string());

    const int mode = append ? O_RDWR : O_WRONLY | O_TRUNC;
    fd_ = sidecar::Fd(open(path.c_str(), mode | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    struct stat about {};
    if (!fd_ || fstat(fd_.get(), &about) != 0)
        throw std::system_error(errno, std::generic_category(), name_);
    regular_ = S_ISREG(about.st_mode);
    size_ = regular_ ? about.st_size : 0;
    if (regular_ && lacks_line_end(fd_.get(), size_))
        write_all("\n");
    lines_ = 0;
}

EventFile::EventFile(sidecar::Fd fd, std::string name, const Interrupt& interrupt)
    : name_(std::move(name)), interrupt_(interrupt), fd_(std::move(fd)) {}

void EventFile::append(std::string_view piece) {
    buffer_.append(piece);
    if (buffer_.size() >= kMuch)
        flush();
}

void EventFile::flush() {
    if (buffer_.empty())
        return;
    // It is given up before it is written: nothing is written twice after an error.
    const std::string pieces = std::exchange(buffer_, {});
    write_all(pieces);
}

void EventFile::write_all(std::string_view bytes) {
    std::string_view left = bytes;
    while (!left.empty()) {
        const ssize_t written = write_some(left);
        if (written >= 0) {
            left.remove_prefix(static_cast<size_t>(written));
            continue;
        }
        if (errno != EINTR || gave_up_) {
            const int error = errno;
            // As many whole pieces as fit stay.
            const std::string_view out = bytes.substr(0, bytes.size() - left.size());
            const size_t whole = out.rfind('\n') + 1;  // npos + 1 is 0
            if (regular_ && ftruncate(fd_.get(), size_ + static_cast<int64_t>(whole)) != 0)
                throw std::system_error(error, std::generic_category(),
                                        name_ + " (whose last line is cut)");
            keep(out.substr(0, whole));
            fail(error);
        }
    }
    keep(bytes);
}

// A pipe or a terminal may take nothing for long, and a signal that comes just before write() does
// not end it: only as much is written as cannot block. On an error, EINTR among them, -1.
ssize_t EventFile::write_some(std::string_view bytes) {
    if (regular_)
        return write(fd_.get(), bytes.data(), bytes.size());
    pollfd polled[2] = {{fd_.get(), POLLOUT, 0}, {interrupt_.fd(), POLLIN, 0}};
    if (poll(polled, 2, -1) < 0)
        return -1;
    if (polled[0].revents == 0) {
        gave_up_ = true;
        errno = EINTR;
        return -1;
    }
    return write(fd_.get(), bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
}

void EventFile::keep(std::string_view written) {
    size_ += static_cast<int64_t>(written.size());
    lines_ += static_cast<uint64_t>(std::count(written.begin(), written.end(), '\n'));
}

void EventFile::close() {
    flush();
    if (!fd_)
        return;
    // Some file systems write only when a descriptor is closed; closing a copy is how to hear of
    // it.
    const int copy = dup(fd_.get());
    const bool closed = copy < 0 || ::close(copy) == 0 || errno == EINTR;
    const int error = errno;
    fd_.reset();
    if (!closed)
        fail(error);
}

void EventFile::fail(int error) {
    if (error == EINTR)
        throw std::runtime_error(name_ + ": interrupted while it did not take more");
    throw std::system_error(error, std::generic_category(), name_);
}

}  // namespace herald::cli
