// A window over the file: filled at its end, taken line by line from its front. A line is moved to
// the front of the buffer once at most for each time it is filled.
#include "sidecar/journal_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

namespace herald::sidecar {

namespace {

constexpr size_t kBuffer = 256 * 1024;               // bytes
constexpr size_t kKept = 4 * 1024 * 1024;            // a larger buffer is given back
constexpr size_t kMaxLine = (512u << 20) + kBuffer;  // largest data, names and the rest

[[noreturn]] void fail(const char* what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + (" " + path));
}

// An invalid Fd where the file is gone.
Fd open_segment(const std::string& path) {
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno != ENOENT)
        fail("open", path);
    return file;
}

// Bytes read; 0 at the end.
size_t read_at(const Fd& file, char* to, size_t size, uint64_t position, const std::string& path) {
    for (;;) {
        const ssize_t got = pread(file.get(), to, size, static_cast<off_t>(position));
        if (got >= 0)
            return static_cast<size_t>(got);
        if (errno != EINTR)
            fail("read", path);
    }
}

uint64_t size_of(const Fd& file, const std::string& path) {
    struct stat status {};
    if (fstat(file.get(), &status) != 0)
        fail("stat", path);
    return static_cast<uint64_t>(status.st_size);
}

// The seq of the first line behind an LF that is at `position` or later; nothing where there is
// none up to `end`.
std::optional<uint64_t> seq_behind(const Fd& file, const std::string& path, uint64_t position,
                                   uint64_t end) {
    constexpr size_t kHead = 64;  // bytes of a line that have its seq
    std::string piece(kBuffer, '\0');
    while (position < end) {
        const auto wanted = static_cast<size_t>(std::min<uint64_t>(piece.size(), end - position));
        const std::string_view bytes(piece.data(),
                                     read_at(file, piece.data(), wanted, position, path));
        const bool last = bytes.empty() || position + bytes.size() == end;
        size_t lf = bytes.find('\n');
        for (; lf != bytes.npos && (last || bytes.size() - lf > kHead);
             lf = bytes.find('\n', lf + 1)) {
            const auto seq = leading_seq(bytes.substr(lf + 1));
            if (seq.value_or(0) != 0)
                return seq;
        }
        if (last)
            return std::nullopt;
        // A line's head that the piece has cut is read again, as a whole.
        position += lf == bytes.npos ? bytes.size() : std::max<size_t>(lf, 1);
    }
    return std::nullopt;
}

// The first segment behind first_seq `after`.
std::vector<Segment>::const_iterator segment_behind(const std::vector<Segment>& segments,
                                                    uint64_t after) {
    return std::upper_bound(
        segments.begin(), segments.end(), after,
        [](uint64_t seq, const Segment& segment) { return seq < segment.first_seq; });
}

}  // namespace

JournalReader::JournalReader(const Segments& segments, uint64_t after_seq)
    : segments_(segments), last_seq_(after_seq) {}

JournalReader::Read JournalReader::next(JournalEntry& entry) {
    if (!file_ && !open_next())
        return Read::End;
    for (;;) {
        std::string_view line;
        while (take_line(line)) {
            if (accept(line, entry))
                return Read::Entry;
        }
        switch (fill()) {
            case Fill::More:
                break;
            case Fill::Nothing:
                return Read::End;
            case Fill::SegmentEnd:
                if (!open_next())
                    return Read::End;
                break;
        }
    }
}

// Opens the segment behind the one that was read; the first time the one that has the entry wanted.
bool JournalReader::open_next() {
    for (;;) {
        const Segments::View view = segments_.view();
        auto next = segment_behind(view.segments, segment_.first_seq);
        if (segment_.first_seq == 0) {
            const uint64_t wanted = last_seq_ == UINT64_MAX ? last_seq_ : last_seq_ + 1;
            next = segment_behind(view.segments, wanted);
            if (next != view.segments.begin())
                --next;
        }
        if (next == view.segments.end())
            return false;

        Fd file = open_segment(next->path);
        // The end of the segment before: a line that was never finished.
        if (begin_ != end_ || overlong_)
            ++bad_lines_;
        segment_ = *next;
        file_ = std::move(file);
        position_ = 0;
        begin_ = end_ = searched_ = 0;
        overlong_ = false;
        if (file_)
            return true;
    }
}

JournalReader::Fill JournalReader::fill() {
    const uint64_t limit = segments_.readable(segment_.first_seq);
    if (position_ >= limit)
        return Fill::Nothing;
    make_room();
    const auto size =
        static_cast<size_t>(std::min<uint64_t>(buffer_.size() - end_, limit - position_));
    const size_t got = read_at(file_, buffer_.data() + end_, size, position_, segment_.path);
    if (got == 0)
        return limit == UINT64_MAX ? Fill::SegmentEnd : Fill::Nothing;
    position_ += got;
    end_ += got;
    return Fill::More;
}

void JournalReader::make_room() {
    const size_t rest = end_ - begin_;
    if (rest > kMaxLine) {
        overlong_ = true;
        begin_ = end_ = searched_ = 0;
    } else if (begin_ != 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, rest);
        searched_ -= begin_;
        begin_ = 0;
        end_ = rest;
    }

    if (buffer_.size() > kKept && end_ < kBuffer) {
        buffer_.resize(kBuffer);
        buffer_.shrink_to_fit();
    } else if (end_ == buffer_.size()) {
        buffer_.resize(std::max(kBuffer, 2 * buffer_.size()));
    }
}

bool JournalReader::take_line(std::string_view& line) {
    const char* bytes = buffer_.data();
    const void* lf =
        searched_ == end_ ? nullptr : std::memchr(bytes + searched_, '\n', end_ - searched_);
    if (lf == nullptr) {
        searched_ = end_;
        return false;
    }
    const auto at = static_cast<size_t>(static_cast<const char*>(lf) - bytes);
    line = {bytes + begin_, at - begin_};
    begin_ = searched_ = at + 1;
    return true;
}

// Whether the line is the next entry.
bool JournalReader::accept(std::string_view line, JournalEntry& entry) {
    if (overlong_) {
        overlong_ = false;
        ++bad_lines_;
        return false;
    }
    const auto seq = leading_seq(line);
    if (seq && *seq <= last_seq_)
        return false;

    // A seq beyond the journal's is damage: to follow it would skip everything behind it.
    if (seq && *seq > newest_seq_)
        newest_seq_ = segments_.last_seq();
    const bool plausible = seq && *seq <= newest_seq_;
    if (plausible && wanted_ && !wanted_(line)) {
        entry = {};
        entry.id.seq = *seq;
    } else if (!plausible || !parser_.parse(line, entry)) {
        ++bad_lines_;
        return false;
    }
    last_seq_ = entry.id.seq;
    return true;
}

uint64_t tail_start(const Segments& segments, uint64_t bytes) {
    const Segments::View view = segments.view();
    uint64_t behind = view.last_seq;
    for (size_t i = view.segments.size(); i-- > 0;) {
        const Segment& segment = view.segments[i];
        const Fd file = open_segment(segment.path);
        if (!file)
            return behind;
        const bool newest = i + 1 == view.segments.size();
        const uint64_t size = newest ? view.offset : size_of(file, segment.path);
        if (size > bytes) {
            // A line that begins exactly there has its LF one byte before.
            const auto seq = seq_behind(file, segment.path, size - bytes - 1, size);
            return seq ? *seq - 1 : behind;
        }
        bytes -= size;
        behind = segment.first_seq - 1;
    }
    return behind;
}

}  // namespace herald::sidecar
