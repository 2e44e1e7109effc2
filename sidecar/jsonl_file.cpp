// Opening (and not being led astray), comparing, appending.
#include "sidecar/jsonl_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "ring/utf8.hpp"
#include "sidecar/files.hpp"
#include "sidecar/log.hpp"
#include "sidecar/step.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kChunk = 64 << 10;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + " " + path);
}

// The directory is missing far more often than the ones above it.
void make_parent(const std::string& path) {
    const std::string parent = path.substr(0, path.rfind('/'));
    if (mkdir(parent.c_str(), 0750) == 0) {
        if (chmod(parent.c_str(), 0750) != 0)
            fail("set the mode of", parent);
        return;
    }
    make_directories(parent, 0750);
}

int64_t written_ns(const struct stat& status) {
    return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

size_t read_at(int fd, char* out, size_t size, uint64_t offset, const std::string& path) {
    size_t got = 0;
    while (got < size) {
        const ssize_t n = pread(fd, out + got, size - got, static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail("read", path);
        if (n == 0)
            break;
        got += static_cast<size_t>(n);
    }
    return got;
}

// Judges a line of a file, which may be long, piece by piece: could a message be this, and is it
// the one that is looked for?
class LineJudge {
  public:
    explicit LineJudge(std::string_view wanted) : wanted_(wanted) {}

    // `piece`: without the LF.
    void feed(std::string_view piece) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(piece.data());
        plain_ = plain_ && utf8_.feed(bytes, piece.size()) &&
                 std::all_of(piece.begin(), piece.end(), [](char c) {
                     return static_cast<unsigned char>(c) >= 0x20 || c == '\t';
                 });
        same_ = same_ && wanted_.substr(std::min(length_, wanted_.size())).starts_with(piece);
        length_ += piece.size();
    }
    bool is_plain() const { return plain_ && utf8_.complete(); }
    bool is_wanted() const { return same_ && length_ == wanted_.size(); }
    bool begins_wanted() const { return same_ && length_ > 0; }
    uint64_t length() const { return length_; }

  private:
    std::string_view wanted_;
    ring::Utf8 utf8_{};
    size_t length_ = 0;
    bool plain_ = true;
    bool same_ = true;
};

}  // namespace

void JsonlFile::compare_from(uint64_t position) {
    position_ = position;
    comparing_ = true;
}

// O_NONBLOCK: a FIFO in the file's place answers with an error instead of waiting for a reader.
void JsonlFile::open_descriptor() {
    constexpr int kFlags =
        O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    fd_ = Fd(::open(path_.c_str(), kFlags, 0640));
    if (!fd_ && errno == ENOENT) {
        make_parent(path_);
        fd_ = Fd(::open(path_.c_str(), kFlags, 0640));
    }
    if (!fd_)
        fail("open", path_);
}

bool JsonlFile::open(int64_t compare_before_ns) {
    struct stat status {};
    if (fd_ &&
        (stat(path_.c_str(), &status) != 0 || status.st_ino != inode_ || status.st_dev != device_))
        fd_.reset();
    const bool fresh = !fd_;
    if (fresh) {
        open_descriptor();
        if (fstat(fd_.get(), &status) != 0)
            fail("look at", path_);
        if (!S_ISREG(status.st_mode)) {
            fd_.reset();
            errno = EINVAL;
            fail("open (no regular file)", path_);
        }
    }

    const bool known = inode_ != 0;
    size_ = static_cast<uint64_t>(status.st_size);
    const bool replaced = known && (status.st_ino != inode_ || status.st_dev != device_);
    const bool lost = replaced || ((known || comparing_) && size_ < position_);
    device_ = status.st_dev;
    inode_ = status.st_ino;

    if (lost)
        comparing_ = false;
    else if (!known && !comparing_ && size_ > 0 && written_ns(status) < compare_before_ns)
        compare_from(0);
    comparing_ = comparing_ && position_ < size_;
    if (comparing_)
        return lost;

    // Somebody may have written to it, without care for the last line.
    if ((fresh || lost || position_ != size_) && size_ > 0) {
        char last = '\n';
        read_at(fd_.get(), &last, 1, size_ - 1, path_);
        unterminated_ = last != '\n';
    }
    position_ = size_;
    return lost;
}

bool JsonlFile::is_ahead() const {
    struct stat status {};
    return comparing_ && stat(path_.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           static_cast<uint64_t>(status.st_size) > position_;
}

void JsonlFile::append(std::string_view lines, bool again) {
    lines = step_over(lines, again);
    if (lines.empty())
        return;

    if (unterminated_)
        write_all("\n");
    if (g_at_step != nullptr) [[unlikely]] {
        write_all(lines.substr(0, lines.size() / 2));
        at_step("jsonl.half_appended");
        lines.remove_prefix(lines.size() / 2);
    }
    write_all(lines);
    unterminated_ = false;
    position_ = size_;
}

void JsonlFile::undo() noexcept {
    if (fd_ && !comparing_ && ftruncate(fd_.get(), static_cast<off_t>(position_)) == 0)
        size_ = position_;
    fd_.reset();
}

void JsonlFile::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = write(fd_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            fail("append to", path_);
        bytes.remove_prefix(static_cast<size_t>(put));
        size_ += static_cast<uint64_t>(put);
    }
}

// What is left is to be appended: the file has been stepped over to its end, or there is nothing
// left.
std::string_view JsonlFile::step_over(std::string_view lines, bool again) {
    while (comparing_ && !lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n') + 1);
        const std::string_view there = line.substr(0, std::min(line.size(), size_ - position_));
        size_t stepped = there.size();
        if (!has(there))
            stepped = find_line(line);
        else if (position_ += stepped; again)
            rewrite(there);
        lines.remove_prefix(stepped);
        comparing_ = position_ < size_;
    }
    return lines;
}

bool JsonlFile::has(std::string_view bytes) const {
    std::string buffer(bytes.size(), '\0');
    return read_at(fd_.get(), buffer.data(), buffer.size(), position_, path_) == bytes.size() &&
           buffer == bytes;
}

// Goes from line to line, from `position_` on, behind the first one that is `line` (with its LF),
// or to the end, or to the first thing that is no line, which is cut off. Returns how many bytes
// of `line` are in the file.
size_t JsonlFile::find_line(std::string_view line) {
    std::string chunk(kChunk, '\0');
    const std::string_view wanted = line.substr(0, line.size() - (line.empty() ? 0 : 1));
    LineJudge judge(wanted);
    for (uint64_t at = position_; at < size_;) {
        const size_t room = std::min<uint64_t>(chunk.size(), size_ - at);
        std::string_view rest(chunk.data(), read_at(fd_.get(), chunk.data(), room, at, path_));
        if (rest.empty())
            break;
        at += rest.size();
        for (size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
            judge.feed(rest.substr(0, end));
            if (!judge.is_plain()) {
                cut(position_);
                return 0;
            }
            position_ += judge.length() + 1;
            if (!line.empty() && judge.is_wanted())
                return line.size();
            judge = LineJudge(wanted);
        }
        judge.feed(rest);
    }

    if (judge.length() == 0) {
        size_ = position_;  // also where somebody has cut the file under our eyes
        return 0;
    }
    if (!line.empty() && judge.begins_wanted() && judge.length() <= wanted.size()) {
        position_ = size_;
        return judge.length();
    }
    cut(position_);
    return 0;
}

void JsonlFile::keep_rest() {
    if (comparing_)
        find_line({});
    position_ = size_;
    comparing_ = false;
}

void JsonlFile::cut(uint64_t size) {
    log::warn(log::Line("jsonl file has an end that is no line: cut off")
                  .with("path", path_)
                  .with("offset", size)
                  .with("bytes", size_ - size));
    if (ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
        fail("truncate", path_);
    position_ = size_ = size;
}

// Through a descriptor of its own: Linux appends on one with O_APPEND, whatever the offset.
void JsonlFile::rewrite(std::string_view bytes) const {
    const Fd fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd)
        fail("open", path_);
    const uint64_t start = position_ - bytes.size();
    for (size_t done = 0; done < bytes.size();) {
        const ssize_t put = pwrite(fd.get(), bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(start + done));
        if (put < 0 && errno != EINTR)
            fail("write", path_);
        done += put < 0 ? 0 : static_cast<size_t>(put);
    }
}

void JsonlFile::mark() {
    if (futimens(fd_.get(), nullptr) != 0)
        fail("set the time of", path_);
}

void JsonlFile::sync() const {
    Fd own{};
    if (!fd_) {
        own = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (!own && errno == ENOENT)
            return;
        if (!own)
            fail("open", path_);
    }
    if (fdatasync(fd_ ? fd_.get() : own.get()) != 0)
        fail("sync", path_);
}

}  // namespace herald::sidecar
