// The files of STATE/journal/ as they lie there between two runs: which there are, where their
// lines end, and what to do with an end that was torn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ring/id.hpp"
#include "sidecar/segments.hpp"

namespace herald::sidecar {

struct JournalListing {
    std::vector<Segment> segments{};       // oldest first
    std::vector<std::string> strangers{};  // names of files that are not the journal's
};

// Throws std::system_error.
JournalListing list_journal(const std::string& directory);

// How a segment ends.
struct SegmentTail {
    uint64_t size = 0;      // bytes of the file
    uint64_t good_end = 0;  // bytes up to the end of the last good line
    ring::EventId last{};   // of that line; seq 0: there is none
    uint64_t last_at_ms = 0;
    uint64_t bad_lines = 0;  // behind good_end; an unfinished one counts

    bool has_line() const { return last.seq != 0; }
};

// Reads no more of the segment's end than it has to. Throws std::system_error.
SegmentTail read_tail(const std::string& path);

// Where a torn end is kept.
std::string torn_path(const std::string& segment_path);

// Moves everything behind tail.good_end to the end of `torn_path`; it is on disk there before the
// segment is cut. Throws std::system_error; then the segment is as it was.
void set_aside(const std::string& path, const SegmentTail& tail);

// The directory's entries are on disk when it returns. Throws std::system_error.
void sync_directory(const std::string& path);

}  // namespace herald::sidecar
