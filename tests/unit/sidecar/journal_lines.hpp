// A journal as its readers see it, for tests: a file with lines, and how far it may be read.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include "sidecar/journal_entry.hpp"
#include "sidecar/segments.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {

class JournalLines {
  public:
    static constexpr uint32_t kLog = 0x7f3a2c01;

    // A segment is there before it is told of.
    JournalLines() {
        std::ofstream(path()).flush();
        segments_.assign({{kLog, 1, path()}});
    }

    Segments& segments() { return segments_; }

    // Writes an event for each seq, and shows them to the readers.
    void append(uint64_t first_seq, uint64_t last_seq) {
        for (uint64_t seq = first_seq; seq <= last_seq; ++seq)
            write(event(seq));
        show(last_seq);
    }
    void append(const JournalEntry& entry) {
        write(entry);
        show(entry.id.seq);
    }

    // Says that there is everything up to a seq that has no line.
    void pretend(uint64_t last_seq) { show(last_seq); }

    // The next segment begins, empty.
    void begin_segment(uint64_t first_seq) {
        ++files_;
        offset_ = 0;
        std::ofstream(path()).flush();
        segments_.add({kLog, first_seq, path()});
        segments_.extend(0, first_seq - 1);
        segments_.wake();
    }

    static JournalEntry event(uint64_t seq) {
        JournalEntry entry;
        entry.id = {kLog, seq};
        entry.at_ms = 1'700'000'000'000 + seq;
        entry.channel = "jobs:1";
        entry.data = "{\"n\":1}";
        return entry;
    }
    static JournalEntry gap(uint64_t from_seq, uint64_t seq) {
        JournalEntry entry;
        entry.kind = ring::Kind::Gap;
        entry.id = {kLog, seq};
        entry.from_seq = from_seq;
        entry.at_ms = 1'700'000'000'000 + seq;
        return entry;
    }

  private:
    std::string path() const { return directory_ / ("segment-" + std::to_string(files_)); }
    void write(const JournalEntry& entry) { append_line(lines_, entry); }
    void show(uint64_t last_seq) {
        std::ofstream(path(), std::ios::app | std::ios::binary) << lines_;
        offset_ += lines_.size();
        lines_.clear();
        segments_.extend(offset_, last_seq);
        segments_.wake();
    }

    TemporaryDirectory directory_{};
    int files_ = 0;
    std::string lines_{};
    uint64_t offset_ = 0;
    Segments segments_{};
};

}  // namespace herald::sidecar
