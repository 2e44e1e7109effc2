// A buffer that grows to the longest line and is filled again when it holds no whole one.
#include "sidecar/cli/line_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace herald::cli {

namespace {

constexpr size_t kChunk = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

[[noreturn]] void fail(const std::string& name) {
    throw std::system_error(errno, std::generic_category(), name);
}

}  // namespace

LineReader::LineReader(const std::string& path)
    : LineReader(sidecar::Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), path) {
    struct stat about {};
    if (!fd_ || fstat(fd_.get(), &about) != 0)
        fail(path);
    if (!S_ISREG(about.st_mode))
        throw std::runtime_error(path + ": is no regular file");
    size_ = static_cast<uint64_t>(about.st_size);
}

LineReader::LineReader(sidecar::Fd fd, std::string name, std::function<bool()> before_read)
    : fd_(std::move(fd)), name_(std::move(name)), before_read_(std::move(before_read)) {}

LineReader::Read LineReader::next(std::string_view& line) {
    bool too_long = false;
    for (size_t searched = 0;;) {
        const char* start = buffer_.data() + begin_;
        const void* found = std::memchr(start + searched, '\n', end_ - begin_ - searched);
        size_t length = end_ - begin_;
        if (found != nullptr) {
            length = static_cast<size_t>(static_cast<const char*>(found) - start);
        } else if (length > kMaxLine) {
            too_long = true;
            offset_ += length;
            begin_ = end_;
            searched = 0;
            continue;
        } else {
            searched = length;
            if (read_more())
                continue;
            start = buffer_.data() + begin_;
            if (length == 0 && !too_long)
                return Read::End;
        }

        const size_t whole = length + (found != nullptr ? 1 : 0);
        offset_ += whole;
        begin_ += whole;
        ++line_number_;
        if (too_long || length > kMaxLine)
            return Read::TooLong;
        line = {start, length};
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line_number_ == 1 && line.starts_with(kByteOrderMark))
            line.remove_prefix(kByteOrderMark.size());
        return Read::Line;
    }
}

// False at the end. What is unread stays, at the front of the buffer.
bool LineReader::read_more() {
    if (before_read_ && !before_read_())
        return false;
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    if (buffer_.size() - end_ < kChunk)
        buffer_.resize(std::max(end_ + kChunk, 2 * buffer_.size()));

    ssize_t size;
    do
        size = read(fd_.get(), buffer_.data() + end_, buffer_.size() - end_);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        fail(name_);
    end_ += static_cast<size_t>(size);
    return size > 0;
}

}  // namespace herald::cli
