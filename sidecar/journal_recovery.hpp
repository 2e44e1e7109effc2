// What a start makes of what the last run has left behind: which log goes on, from which seq, and
// where its files end. Judges and repairs; Journal does the rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sidecar/continuity.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/state_directory.hpp"

namespace herald::sidecar {

struct Recovery {
    uint32_t log = 0;
    std::vector<uint32_t> past_logs{};  // newest first
    uint64_t last_seq = 0;              // as Journal::last_seq and found_seq
    uint64_t found_seq = 0;
    uint64_t torn_lines = 0;
    std::vector<Segment> segments{};  // oldest first; the newest ends at `end`
    uint64_t end = 0;                 // bytes
    uint64_t line_seq = 0;            // of the newest line found; 0: there is none
    bool can_append = false;          // the newest segment can be gone on with
};

// Makes `directory` (of the journal) where it is missing. Sets torn ends aside, removes segments in
// which nothing is left, names a new log where it has to. Logs what it has found. Throws
// std::runtime_error or std::system_error.
Recovery recover_journal(StateDirectory& state, const Continuity& continuity,
                         const std::string& directory);

}  // namespace herald::sidecar
