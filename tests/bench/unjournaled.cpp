// herald_bench_unjournaled: `herald`, but what it writes to its journal goes nowhere. Everything
// else is done, up to the lines that would be written, so that this is the sidecar's cost from
// Redis into the ring: with no disk, and with nothing for the index to read.
//
// For measuring alone: after a restart it has no past.

#include "sidecar/command_line.hpp"
#include "sidecar/disk_calls.hpp"

int main(int argc, char** argv) {
    herald::sidecar::g_disk.write = [](int, const void*, size_t size) {
        return static_cast<ssize_t>(size);
    };
    return herald::sidecar::command_line(argc, argv);
}
