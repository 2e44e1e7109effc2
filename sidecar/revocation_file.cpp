// The thread takes all lines that wait, writes them at once, syncs, and tells the loop.
#include "sidecar/revocation_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "sidecar/disk_calls.hpp"
#include "sidecar/files.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

const log::Line kKeptAgain("revocations are kept again");
constexpr auto kRetryAfter = std::chrono::seconds(1);
constexpr size_t kSparedLines = 10'000;  // superseded ones that are no reason to compact

}  // namespace

RevocationFile::RevocationFile(uv_loop_t* loop, std::string path, RevocationSet& set,
                               std::function<void(size_t)> written)
    : path_(std::move(path)),
      written_(std::move(written)),
      async_(make_handle<uv_async_t>(this, "wake the loop", [loop](uv_async_t* async) {
          return uv_async_init(loop, async, [](uv_async_t* woken) noexcept {
              owner_of<RevocationFile>(woken).tell_written();
          });
      })) {
    open();
    const Found found = read(set);
    lines_ = found.lines;
    if (found.bad != 0)
        log::error(log::Line("revocations file has lines that are none")
                       .with("file", path_)
                       .with("lines", found.bad)
                       .with("kept_as", path_ + ".damaged"));
    if (found.bad != 0 || found.lines != set.size()) {
        try {
            compact(set, found.bad != 0);
        } catch (const std::exception& error) {
            // As long as it is read, it need not be short.
            log::error(log::Line("revocations file not compacted").with("reason", error.what()));
        }
    }
    distinct_ = set.size();
    thread_ = std::thread([this] { run(); });
}

RevocationFile::~RevocationFile() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void RevocationFile::append(std::string_view line) {
    {
        const std::lock_guard lock(mutex_);
        queue_ += line;
        ++queued_;
    }
    wake_.notify_one();
}

void RevocationFile::tell_written() {
    size_t lines = 0;
    {
        const std::lock_guard lock(mutex_);
        lines = std::exchange(done_, 0);
    }
    if (lines != 0)
        written_(lines);
}

// -- at the start, and where the thread compacts

void RevocationFile::open() {
    const bool fresh = access(path_.c_str(), F_OK) != 0;
    Fd fd(g_disk.open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0)
        throw std::system_error(errno, std::generic_category(), "open " + path_);
    if (fresh) {
        // The new name is on disk only when its directory is.
        const Fd directory(::open(path_.substr(0, path_.rfind('/') + 1).c_str(),
                                  O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!directory || fsync(directory.get()) != 0)
            throw std::system_error(errno, std::generic_category(),
                                    "sync the directory of " + path_);
    }
    fd_ = std::move(fd);
    size_ = status.st_size;
}

RevocationFile::Found RevocationFile::read(RevocationSet& set) {
    const std::string content = read_file(path_);
    Found found;
    size_t begin = 0;
    for (size_t end; (end = content.find('\n', begin)) != content.npos; begin = end + 1) {
        ++found.lines;
        std::string ignored;
        const auto revocation = read_revocation(
            std::string_view(content).substr(begin, end - begin), std::nullopt, ignored);
        if (!revocation || set.put(*revocation) == RevocationSet::Put::Full)
            ++found.bad;
    }
    if (begin == content.size())
        return found;
    log::warn(log::Line("torn line at the end of the revocations file is dropped")
                  .with("file", path_)
                  .with("bytes", content.size() - begin));
    if (ftruncate(fd_.get(), static_cast<off_t>(begin)) != 0)
        throw std::system_error(errno, std::generic_category(), "truncate " + path_);
    size_ = static_cast<off_t>(begin);
    return found;
}

void RevocationFile::compact(const RevocationSet& set, bool keep_old) {
    std::string content;
    set.each([&](const Revocation& revocation) { content += revocation_line(revocation); });
    if (keep_old) {
        const std::string damaged = path_ + ".damaged";
        unlink(damaged.c_str());
        if (link(path_.c_str(), damaged.c_str()) != 0)
            throw std::system_error(errno, std::generic_category(), "link " + damaged);
    }
    // What it is of may have no name any more, also where this fails: the next write opens anew.
    fd_.reset();
    replace_file(path_, content);
    open();
    lines_ = distinct_ = set.size();
}

// -- the thread

void RevocationFile::run() noexcept {
    for (;;) {
        std::string lines;
        size_t count = 0;
        size_t told = 0;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stop_ || queued_ != 0; });
            if (queued_ == 0)
                return;
            lines.swap(queue_);
            count = std::exchange(queued_, 0);
            told = std::exchange(told_, 0);
        }
        while (!write(lines)) {
            count_written(count - std::exchange(told, count));
            if (!pause())
                return;
        }
        lines_ += count;
        count_written(count - told);
        compact_where_due();
    }
}

// All of it, and on disk; or nothing of it.
bool RevocationFile::write(std::string_view lines) noexcept {
    const auto cut_back = [this] { static_cast<void>(!g_disk.ftruncate(fd_.get(), size_)); };
    if (!is_open())
        return false;
    size_t done = 0;
    while (done < lines.size()) {
        const ssize_t put = g_disk.write(fd_.get(), lines.data() + done, lines.size() - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            fail("write", errno);
            cut_back();
            return false;
        }
        done += static_cast<size_t>(put);
    }
    // What a failed sync leaves behind is not to be trusted: it is written again.
    if (g_disk.fdatasync(fd_.get()) != 0) {
        fail("fdatasync", errno);
        cut_back();
        return false;
    }
    size_ += static_cast<off_t>(lines.size());
    if (std::exchange(failing_, false))
        log::info(kKeptAgain);
    return true;
}

// It is not where it could not be opened after it was compacted.
bool RevocationFile::is_open() noexcept {
    if (fd_)
        return true;
    try {
        open();
        return true;
    } catch (const std::system_error& error) {
        fail("open", error.code().value());
    } catch (const std::exception&) {
        fail("open", ENOMEM);
    }
    return false;
}

void RevocationFile::fail(const char* what, int error) noexcept {
    if (std::exchange(failing_, true))
        return;
    try {
        log::error(log::Line("revocations have effect, but are not kept; trying again")
                       .with("file", path_)
                       .with("call", what)
                       .with("reason", std::strerror(error)));
    } catch (const std::exception&) {
        // Out of memory: the retry matters more.
    }
}

void RevocationFile::count_written(size_t lines) noexcept {
    {
        const std::lock_guard lock(mutex_);
        done_ += lines;
    }
    uv_async_send(async_.get());
}

// Until the next try; false where there is to be none. Lines that come meanwhile wait for the disk,
// and are told at once.
bool RevocationFile::pause() noexcept {
    const auto next_try = std::chrono::steady_clock::now() + kRetryAfter;
    std::unique_lock lock(mutex_);
    while (wake_.wait_until(lock, next_try, [this] { return stop_ || told_ != queued_; })) {
        if (stop_)
            return false;
        done_ += queued_ - std::exchange(told_, queued_);
        uv_async_send(async_.get());
    }
    return true;
}

void RevocationFile::compact_where_due() noexcept {
    if (lines_ <= 2 * distinct_ + kSparedLines)
        return;
    try {
        RevocationSet set;
        const Found found = read(set);
        compact(set, found.bad != 0);
    } catch (const std::exception&) {
        distinct_ = lines_;  // later, then
    }
}

}  // namespace herald::sidecar
