// The evidence, in the order in which it is looked at: the segments' last lines, their names, the
// promise in `continuity`, the names in `logs`.
#include "sidecar/journal_recovery.hpp"

#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "sidecar/files.hpp"
#include "sidecar/journal_files.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

// The newest segments, as far back as to the last good line.
struct Ends {
    ring::EventId last{};            // of the newest line; seq 0: there is none
    uint64_t end = 0;                // of the segment that has it
    bool whole = false;              // nothing is behind that line
    std::vector<Segment> empty{};    // behind it, without a byte; newest first
    std::vector<Segment> spoiled{};  // behind it, with bytes that could not be set aside
    uint64_t torn_lines = 0;
};

std::string file_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

// Whether nothing is behind the last good line any more.
bool repair(const Segment& segment, const SegmentTail& tail, uint64_t& torn_lines) {
    if (tail.good_end == tail.size)
        return true;
    torn_lines += tail.bad_lines;
    log::Line line("journal: a torn end");
    line.with("segment", file_name(segment.path))
        .with("bytes", tail.size - tail.good_end)
        .with("lines", tail.bad_lines);
    try {
        set_aside(segment.path, tail);
        log::warn(line.with("set_aside", file_name(torn_path(segment.path))));
        return true;
    } catch (const std::system_error& error) {
        log::warn(line.with("stays_because", error.what()));
        return false;
    }
}

// Takes segments without a good line off `segments`.
Ends find_ends(std::vector<Segment>& segments) {
    Ends ends;
    while (!segments.empty()) {
        const SegmentTail tail = read_tail(segments.back().path);
        const bool whole = repair(segments.back(), tail, ends.torn_lines);
        if (tail.has_line()) {
            ends.last = tail.last;
            ends.end = tail.good_end;
            ends.whole = whole;
            break;
        }
        (whole ? ends.empty : ends.spoiled).push_back(std::move(segments.back()));
        segments.pop_back();
    }
    return ends;
}

// No seq that a client may have seen is above it.
uint64_t last_seq_after(const Promise& promise, uint64_t found_seq) {
    const bool lost_power =
        promise.boot.empty() || promise.boot != boot_id();  // what was not synced is gone
    // Nothing has failed, but segments have been taken away.
    const uint64_t missing = promise.limit - std::min(promise.limit, found_seq);
    const bool incomplete = missing > (promise.clean ? 0 : kReserved);
    const bool unsure = promise.ahead || incomplete ||
                        (lost_power && !promise.clean && promise.fsync != Fsync::Always);
    return unsure ? std::max(found_seq, promise.limit) : found_seq;
}

std::string why_unproven(const Continuity& continuity, const std::vector<Segment>& all) {
    if (continuity.found() == Continuity::Found::Missing)
        return "continuity is missing";
    if (continuity.found() == Continuity::Found::Damaged)
        return "continuity is damaged";
    return all.empty() ? "the segments are missing" : "continuity is of another log";
}

// Lines below a segment's first seq are in the segments before it, or lost.
uint64_t named_seq(const std::vector<Segment>& all) {
    return all.empty() ? 0 : all.back().first_seq - 1;
}

// `all`: every segment, oldest first, of which the newest belongs to the promise's log.
void go_on(const Promise& promise, const std::vector<Segment>& all, const Ends& ends,
           Recovery& found) {
    found.log = promise.log;
    found.found_seq = ends.last.seq;
    if (ends.last.log != found.log || ends.last.seq == 0) {
        // Nothing is left of the log but its beginning, which its first segment's name tells.
        const auto first = std::find_if(all.begin(), all.end(), [&found](const Segment& segment) {
            return segment.log == found.log;
        });
        found.found_seq = first->first_seq - 1;
    }
    found.last_seq = last_seq_after(promise, std::max(found.found_seq, named_seq(all)));
}

void begin_log(StateDirectory& state, const Continuity& continuity, const std::vector<Segment>& all,
               const Ends& ends, Recovery& found) {
    const bool first_start =
        all.empty() && state.logs().empty() && continuity.found() == Continuity::Found::Missing;
    // Where there is no promise its limit is 0.
    found.last_seq = std::max({ends.last.seq, named_seq(all), continuity.promise().limit});
    // A new segment is to come behind what stays, also where both would have the same seq.
    if (!ends.spoiled.empty())
        found.last_seq = std::max(found.last_seq, ends.spoiled.front().first_seq);
    found.found_seq = found.last_seq;
    found.log = state.add_log();
    if (!first_start)
        log::warn(log::Line("journal: begins a new log")
                      .with("log", log_name(found.log))
                      .with("because", why_unproven(continuity, all))
                      .with("behind", found.last_seq));
}

// Removes what is empty, unless its name is the one that the next segment would get.
void tidy(Ends& ends, Recovery& found) {
    found.end = ends.end;
    found.can_append = ends.whole && ends.last.log == found.log;
    if (!ends.spoiled.empty()) {
        std::reverse(ends.spoiled.begin(), ends.spoiled.end());
        found.segments.insert(found.segments.end(), ends.spoiled.begin(), ends.spoiled.end());
        found.end = 0;
        found.can_append = false;
    }
    for (const Segment& segment : ends.empty) {
        if (segment.log == found.log && segment.first_seq == found.last_seq + 1) {
            found.segments.push_back(segment);
            found.end = 0;
            found.can_append = true;
        } else {
            unlink(segment.path.c_str());
        }
    }
}

}  // namespace

Recovery recover_journal(StateDirectory& state, const Continuity& continuity,
                         const std::string& directory) {
    make_directories(directory, 0750);
    JournalListing listing = list_journal(directory);
    if (!listing.strangers.empty())
        log::warn(log::Line("journal: leaves alone what is not its own")
                      .with("files", listing.strangers.size())
                      .with("first", listing.strangers.front()));

    const std::vector<Segment> all = listing.segments;
    const std::vector<uint32_t> logs = state.logs();
    Ends ends = find_ends(listing.segments);
    Recovery found;
    found.torn_lines = ends.torn_lines;
    found.line_seq = ends.last.seq;
    found.segments = std::move(listing.segments);

    if (continuity.found() == Continuity::Found::Whole && !all.empty() &&
        all.back().log == continuity.promise().log)
        go_on(continuity.promise(), all, ends, found);
    else
        begin_log(state, continuity, all, ends, found);

    for (uint32_t log : logs) {
        if (log != found.log)
            found.past_logs.insert(found.past_logs.begin(), log);
    }
    tidy(ends, found);
    return found;
}

}  // namespace herald::sidecar
