// The last line is looked for from the end, in a window that doubles: a segment is large, and what
// is torn of it small.
#include "sidecar/journal_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "sidecar/disk_calls.hpp"
#include "sidecar/fd.hpp"
#include "sidecar/journal_entry.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kFirstWindow = 64 * 1024;  // bytes
constexpr size_t kCopyPiece = 256 * 1024;
constexpr std::string_view kTornSuffix = ".torn";

[[noreturn]] void fail(const char* what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + (" " + path));
}

Fd open_or_throw(const std::string& path, int flags, mode_t mode = 0) {
    Fd fd(open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd)
        fail("open", path);
    return fd;
}

uint64_t size_of(const Fd& fd, const std::string& path) {
    struct stat status {};
    if (fstat(fd.get(), &status) != 0)
        fail("stat", path);
    return static_cast<uint64_t>(status.st_size);
}

// The bytes from `begin` to `end`; fewer where the file ends before.
std::string read_range(const Fd& fd, const std::string& path, uint64_t begin, uint64_t end) {
    std::string bytes(end - begin, '\0');
    size_t got = 0;
    while (got < bytes.size()) {
        const ssize_t n = pread(fd.get(), bytes.data() + got, bytes.size() - got,
                                static_cast<off_t>(begin + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail("read", path);
        if (n == 0)
            break;
        got += static_cast<size_t>(n);
    }
    bytes.resize(got);
    return bytes;
}

void write_all(const Fd& fd, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t put = g_disk.write(fd.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            fail("write", path);
        bytes.remove_prefix(static_cast<size_t>(put));
    }
}

// Finds the last good line of `window`, the end of the file from `begin` on. False where more of
// the file is needed to tell.
bool find_last_line(std::string_view window, uint64_t begin, SegmentTail& tail) {
    LineParser parser;
    JournalEntry entry;
    size_t lf = window.rfind('\n');
    while (lf != window.npos) {
        const size_t before = lf == 0 ? window.npos : window.rfind('\n', lf - 1);
        if (before == window.npos && begin != 0)
            return false;
        const size_t start = before == window.npos ? 0 : before + 1;
        if (parser.parse(window.substr(start, lf - start), entry)) {
            tail.good_end = begin + lf + 1;
            tail.last = entry.id;
            tail.last_at_ms = entry.at_ms;
            return true;
        }
        lf = before;
    }
    return begin == 0;
}

}  // namespace

JournalListing list_journal(const std::string& directory) {
    JournalListing listing;
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
        const std::string name = file.path().filename();
        std::string_view stem = name;
        const bool torn = stem.ends_with(kTornSuffix);
        if (torn)
            stem.remove_suffix(kTornSuffix.size());
        auto segment = parse_segment_name(stem);
        if (!segment || !(torn || file.is_regular_file())) {
            listing.strangers.push_back(name);
        } else if (!torn) {
            segment->path = file.path();
            listing.segments.push_back(std::move(*segment));
        }
    }
    std::sort(listing.segments.begin(), listing.segments.end(),
              [](const Segment& a, const Segment& b) {
                  return a.first_seq != b.first_seq ? a.first_seq < b.first_seq : a.log < b.log;
              });
    std::sort(listing.strangers.begin(), listing.strangers.end());
    return listing;
}

SegmentTail read_tail(const std::string& path) {
    const Fd fd = open_or_throw(path, O_RDONLY);
    SegmentTail tail;
    tail.size = size_of(fd, path);

    std::string window;
    uint64_t begin = tail.size;
    do {
        const uint64_t length = std::max(kFirstWindow, uint64_t{2} * window.size());
        const uint64_t fresh = tail.size > length ? tail.size - length : 0;
        window.insert(0, read_range(fd, path, fresh, begin));
        begin = fresh;
    } while (!find_last_line(window, begin, tail));

    const std::string_view bad = std::string_view(window).substr(tail.good_end - begin);
    tail.bad_lines = static_cast<uint64_t>(std::count(bad.begin(), bad.end(), '\n'));
    if (!bad.empty() && bad.back() != '\n')
        ++tail.bad_lines;
    return tail;
}

std::string torn_path(const std::string& segment_path) {
    return segment_path + std::string(kTornSuffix);
}

void set_aside(const std::string& path, const SegmentTail& tail) {
    const std::string torn = torn_path(path);
    const Fd from = open_or_throw(path, O_RDWR);
    const Fd to = open_or_throw(torn, O_WRONLY | O_CREAT | O_APPEND, 0640);
    const uint64_t before = size_of(to, torn);
    try {
        for (uint64_t at = tail.good_end; at < tail.size; at += kCopyPiece)
            write_all(to, read_range(from, path, at, std::min(at + kCopyPiece, tail.size)), torn);
        if (g_disk.fdatasync(to.get()) != 0)
            fail("fdatasync", torn);
        sync_directory(path.substr(0, path.rfind('/')));
        if (g_disk.ftruncate(from.get(), static_cast<off_t>(tail.good_end)) != 0)
            fail("cut", path);
    } catch (const std::system_error&) {
        // What is there from earlier stays; nothing is kept twice, nothing is left that is empty.
        if (before == 0)
            unlink(torn.c_str());
        else
            static_cast<void>(!ftruncate(to.get(), static_cast<off_t>(before)));
        throw;
    }
    // Should this fail, the end is set aside once more the next time.
    static_cast<void>(g_disk.fdatasync(from.get()));
}

void sync_directory(const std::string& path) {
    const Fd directory = open_or_throw(path, O_RDONLY | O_DIRECTORY);
    if (fsync(directory.get()) != 0)
        fail("fsync", path);
}

}  // namespace herald::sidecar
