// Reads the journal's entries in order, on any thread, also while it is being written.
//
// It steps over what is no line (a torn end, a damaged sector: counted), and over lines whose seq
// is not above the last one's (what was written again after a failure is there twice).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sidecar/fd.hpp"
#include "sidecar/journal_entry.hpp"
#include "sidecar/segments.hpp"

namespace herald::sidecar {

class JournalReader {
  public:
    // Starts with the first entry behind `after_seq`. `segments` outlives the reader.
    JournalReader(const Segments& segments, uint64_t after_seq);

    enum class Read { Entry, End };
    // The next entry; its views live until the next call. End: nothing more for now. Where an
    // entry's seq is not the one behind the last (and it is no Gap that says so), what is in
    // between is not to be had. Throws std::system_error.
    Read next(JournalEntry& entry);

    uint64_t last_seq() const { return last_seq_; }  // of the last entry returned, or after_seq
    uint64_t bad_lines() const { return bad_lines_; }  // stepped over so far

  private:
    const Segments& segments_;
    uint64_t last_seq_;
    uint64_t bad_lines_ = 0;
    // the rest is the implementer's
};

}  // namespace herald::sidecar
