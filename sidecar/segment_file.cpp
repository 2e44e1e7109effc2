// write(2) may write less than it was given, and then say why when it is asked for the rest.
#include "sidecar/segment_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "sidecar/disk_calls.hpp"
#include "sidecar/step.hpp"

namespace herald::sidecar {

int SegmentFile::open(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    struct stat status {};
    if (!file || fstat(file.get(), &status) != 0)
        return errno;

    char last = '\n';
    if (status.st_size > 0 && pread(file.get(), &last, 1, status.st_size - 1) < 0)
        return errno;
    file_ = std::move(file);
    size_ = static_cast<uint64_t>(status.st_size);
    unfinished_ = last != '\n';
    return 0;
}

int SegmentFile::append(std::string_view lines) {
    at_step("journal.before_write");
    int error = unfinished_ ? write_all("\n") : 0;
    size_t first = 0;
    if (g_at_step != nullptr && lines.size() > 1) {
        // A test sees a batch of which half is there, and that half ends inside a line.
        first = lines.size() / 2;
        first -= lines[first - 1] == '\n' ? 1 : 0;
        error = error != 0 ? error : write_all(lines.substr(0, first));
        at_step("journal.half_written");
    }
    error = error != 0 ? error : write_all(lines.substr(first));
    if (error != 0) {
        cut(size_);
        return error;
    }
    size_ += lines.size() + (unfinished_ ? 1 : 0);
    unfinished_ = false;
    at_step("journal.written");
    return 0;
}

void SegmentFile::cut(uint64_t size) {
    if (g_disk.ftruncate(file_.get(), static_cast<off_t>(size)) == 0)
        size_ = size;
    else
        close();
}

int SegmentFile::sync() {
    return g_disk.fdatasync(file_.get()) == 0 ? 0 : errno;
}

int SegmentFile::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = g_disk.write(file_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : EIO;
        bytes.remove_prefix(static_cast<size_t>(put));
    }
    return 0;
}

}  // namespace herald::sidecar
