#include "sidecar/webhooks/dead_letters.hpp"

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "ring/timestamp.hpp"
#include "sidecar/fd.hpp"
#include "sidecar/journal_files.hpp"

namespace herald::sidecar {

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + " " + path);
}

std::string time_text(uint64_t ms) {
    std::string text;
    ring::append_time(text, ms);
    return text;
}

// The object's members without its braces. Takes the reference.
std::string members_of(json_t* object) {
    struct Free {
        void operator()(char* text) const { free(text); }
    };
    const std::unique_ptr<char, Free> text(json_dumps(object, JSON_COMPACT));
    json_decref(object);
    if (!text)
        throw std::runtime_error("no JSON could be made of a dead letter");
    const std::string_view all = text.get();
    return std::string(all.substr(1, all.size() - 2));
}

// Whether the file ends within a line, which a crash has cut.
bool is_torn(int fd, const std::string& path) {
    struct stat status {};
    if (fstat(fd, &status) != 0)
        fail("stat", path);
    char last = '\n';
    if (status.st_size > 0 && pread(fd, &last, 1, status.st_size - 1) != 1)
        fail("read", path);
    return last != '\n';
}

}  // namespace

void DeadLetters::add(const Delivery& delivery, uint64_t now_ms) {
    constexpr std::string_view kData = R"(,"data":)";
    std::string line;
    const LineParts parts = append_line(line, delivery.entry());
    const std::string more = members_of(json_pack(
        "{s:s,s:I,s:s,s:I,s:s}", "url", origin_.c_str(), "status",
        static_cast<json_int_t>(delivery.status), "error", delivery.error.c_str(), "attempts",
        static_cast<json_int_t>(delivery.attempts), "dead_at", time_text(now_ms).c_str()));
    line.insert(parts.data - kData.size(), "," + more);
    lines_ += line;
}

void DeadLetters::add_lost(uint64_t from, uint64_t to, uint64_t now_ms) {
    lines_ +=
        "{" +
        members_of(json_pack("{s:{s:I,s:I},s:s,s:s}", "lost", "after_seq",
                             static_cast<json_int_t>(from), "to_seq", static_cast<json_int_t>(to),
                             "url", origin_.c_str(), "dead_at", time_text(now_ms).c_str())) +
        "}\n";
}

void DeadLetters::flush() {
    const Fd file(open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!file)
        fail("open", path_);
    if (is_torn(file.get(), path_))
        lines_.insert(0, "\n");
    while (!lines_.empty()) {
        const ssize_t put = write(file.get(), lines_.data(), lines_.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            fail("append to", path_);
        if (static_cast<size_t>(put) == lines_.size())
            break;
        lines_.erase(0, static_cast<size_t>(put));
    }
    if (fdatasync(file.get()) != 0)
        fail("sync", path_);
    // A new file is on disk only with its directory.
    sync_directory(path_.substr(0, path_.rfind('/')));
    lines_.clear();
}

}  // namespace herald::sidecar
