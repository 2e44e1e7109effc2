#include "process_usage.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace herald::bench {
namespace {

namespace fs = std::filesystem;

std::string proc_path(pid_t pid, const char* leaf) {
    return "/proc/" + std::to_string(pid) + "/" + leaf;
}

// The threads of a process, as paths under /proc/<pid>/task; empty when it is gone.
std::vector<fs::path> threads_of(pid_t pid) {
    std::error_code gone;
    std::vector<fs::path> threads;
    for (const auto& entry : fs::directory_iterator(proc_path(pid, "task"), gone)) {
        threads.push_back(entry.path());
    }
    return threads;
}

}  // namespace

std::vector<pid_t> with_descendants(const std::vector<pid_t>& roots) {
    std::vector<pid_t> all = roots;
    for (size_t i = 0; i < all.size(); ++i) {
        for (const fs::path& thread : threads_of(all[i])) {
            std::ifstream children(thread / "children");
            pid_t child = 0;
            while (children >> child) {
                all.push_back(child);
            }
        }
    }
    return all;
}

uint64_t cpu_ns(const std::vector<pid_t>& pids) {
    uint64_t sum = 0;
    for (pid_t pid : pids) {
        for (const fs::path& thread : threads_of(pid)) {
            uint64_t on_cpu = 0;  // schedstat's first field: exact, where stat counts ticks
            std::ifstream(thread / "schedstat") >> on_cpu;
            sum += on_cpu;
        }
    }
    return sum;
}

uint64_t rollup_bytes(const std::vector<pid_t>& pids, std::string_view line) {
    uint64_t sum = 0;
    for (pid_t pid : pids) {
        std::ifstream rollup(proc_path(pid, "smaps_rollup"));
        std::string word;
        while (rollup >> word) {
            uint64_t kilobytes = 0;
            if (word == line && rollup >> kilobytes) {
                sum += kilobytes * 1024;
                break;
            }
        }
    }
    return sum;
}

}  // namespace herald::bench
