// flock frees the lock with the process, however it ends; the file stays.
#include "sidecar/state_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include "sidecar/files.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kLogsKept = 64;

}  // namespace

std::string log_name(uint32_t log) {
    std::string name(8, '0');
    for (size_t i = 8; i-- > 0; log >>= 4)
        name[i] = "0123456789abcdef"[log & 15];
    return name;
}

StateDirectory::StateDirectory(std::string path) : path_(std::move(path)) {
    make_directories(path_, 0750);
    lock();
}

void StateDirectory::lock() {
    const std::string file = path_ + "/lock";
    lock_ = Fd(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (!lock_)
        throw std::system_error(errno, std::generic_category(), "open " + file);

    if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            throw std::system_error(errno, std::generic_category(), "lock " + file);
        std::string pid = read_file(file);
        pid.erase(std::find(pid.begin(), pid.end(), '\n'), pid.end());
        throw std::runtime_error("state directory " + path_ +
                                 " is in use by another sidecar (pid " +
                                 (pid.empty() ? "unknown" : pid) + ")");
    }

    // For people alone: a full disk is no reason not to start.
    const std::string pid = std::to_string(getpid()) + "\n";
    if (pwrite(lock_.get(), pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size()))
        static_cast<void>(!ftruncate(lock_.get(), static_cast<off_t>(pid.size())));
}

std::vector<uint32_t> StateDirectory::logs() const {
    std::string content;
    try {
        content = read_file(path_ + "/logs");
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::no_such_file_or_directory)
            throw;
    }

    std::vector<uint32_t> logs;
    for (std::string_view rest = content; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        uint32_t log = 0;
        const char* end = line.data() + line.size();
        const auto parsed = std::from_chars(line.data(), end, log, 16);
        if (line.size() == 8 && parsed.ec == std::errc{} && parsed.ptr == end)
            logs.push_back(log);
    }
    return logs;
}

uint32_t StateDirectory::add_log() {
    std::vector<uint32_t> all = logs();
    std::random_device random;
    uint32_t fresh = 0;
    do {
        fresh = random();
    } while (std::find(all.begin(), all.end(), fresh) != all.end());
    all.push_back(fresh);
    write_logs(std::move(all));
    return fresh;
}

void StateDirectory::remember_log(uint32_t log) {
    std::vector<uint32_t> all = logs();
    if (std::find(all.begin(), all.end(), log) != all.end())
        return;
    all.push_back(log);
    write_logs(std::move(all));
}

void StateDirectory::write_logs(std::vector<uint32_t> logs) {
    if (logs.size() > kLogsKept)
        logs.erase(logs.begin(), logs.end() - kLogsKept);
    std::string content;
    for (uint32_t log : logs)
        content += log_name(log) + "\n";
    replace_file(path_ + "/logs", content);
}

}  // namespace herald::sidecar
