// What /proc tells about the processes of a server: CPU time and memory, summed over them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace herald::bench {

// `roots` and everything that descends from them now.
std::vector<pid_t> with_descendants(const std::vector<pid_t>& roots);

// CPU time of all threads of these processes so far, in nanoseconds. A process that is gone counts
// as 0.
uint64_t cpu_ns(const std::vector<pid_t>& pids);

// The sum of a line of smaps_rollup over these processes, in bytes; `line` is how it starts:
// "Rss:", "Pss:", "Anonymous:".
uint64_t rollup_bytes(const std::vector<pid_t>& pids, std::string_view line);

// Proportional set size of these processes, in bytes: a page that n processes share counts 1/n in
// each.
inline uint64_t pss_bytes(const std::vector<pid_t>& pids) {
    return rollup_bytes(pids, "Pss:");
}

}  // namespace herald::bench
