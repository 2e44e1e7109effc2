// Reads the journal's entries in order, on any thread, also while it is being written.
//
// It steps over what is no line (a torn end, a damaged sector: counted), and over lines whose seq
// is not above the last one's (what was written again after a failure is there twice). A segment
// that was deleted before the reader got there is stepped over, too; it shows in the seqs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "sidecar/fd.hpp"
#include "sidecar/journal_entry.hpp"
#include "sidecar/segments.hpp"

namespace herald::sidecar {

class JournalReader {
  public:
    // Starts with the first entry behind `after_seq`. `segments` outlives the reader.
    JournalReader(const Segments& segments, uint64_t after_seq);

    // Lines for which `wanted` returns false are not parsed: they come as events of which nothing
    // but the seq is there.
    void parse_only(std::function<bool(std::string_view line)> wanted) {
        wanted_ = std::move(wanted);
    }

    enum class Read { Entry, End };
    // The next entry; its views live until the next call. End: nothing more for now. Where an
    // entry's seq is not the one behind the last (and it is no Gap that says so), what is in
    // between is not to be had. Throws std::system_error.
    Read next(JournalEntry& entry);

    uint64_t last_seq() const { return last_seq_; }    // of the last entry returned, or after_seq
    uint64_t bad_lines() const { return bad_lines_; }  // stepped over so far

  private:
    const Segments& segments_;
    uint64_t last_seq_;
    uint64_t bad_lines_ = 0;

    bool open_next();
    enum class Fill { More, Nothing, SegmentEnd };
    Fill fill();
    void make_room();
    bool take_line(std::string_view& line);
    bool accept(std::string_view line, JournalEntry& entry);

    Segment segment_{};  // the one that is being read; first_seq 0: none yet
    Fd file_{};
    uint64_t position_ = 0;  // in the file, of the end of what was read
    std::string buffer_{};   // bytes [begin_, end_) are not taken yet
    size_t begin_ = 0;
    size_t end_ = 0;
    size_t searched_ = 0;      // no LF before it
    bool overlong_ = false;    // inside a line that no buffer holds
    uint64_t newest_seq_ = 0;  // as `segments` last said
    LineParser parser_{};
    std::function<bool(std::string_view)> wanted_{};  // empty: all are
};

// A seq behind which the segments have about `bytes` bytes, or less, down to one entry: for a ring
// that starts with the journal's newest part. Reads one piece of one segment. Throws
// std::system_error.
uint64_t tail_start(const Segments& segments, uint64_t bytes);

}  // namespace herald::sidecar
