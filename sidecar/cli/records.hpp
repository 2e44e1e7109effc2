// What a line of a file means for a replay. Two kinds of files: journals (docs/formats.md), and
// JSON objects, one a line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/journal_entry.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::cli {

enum class Format { Unknown, Journal, Objects };

struct Record {
    enum class Kind {
        Event,
        Notice,  // of a journal: nothing to publish
        Blank,
        Bad,  // `problem` says why
    };
    Kind kind = Kind::Blank;
    std::string_view channel{};
    std::string_view data{};
    std::optional<int64_t> time_us{};  // microseconds since 1970
    const char* problem = "";          // a literal, to be followed by nothing
};

// What is wrong with a text as an event's data, as a literal; nullptr where it is fine.
const char* json_problem(sidecar::JsonScanner& scanner, std::string_view text);

// Parses the lines of one file. The first good line says which format the file has.
class RecordParser {
  public:
    // `channel`: for all events; empty: a journal's own. `time_member`: the time of an object;
    // empty: the first of the usual names that the first object has a time in.
    RecordParser(std::string channel, std::string time_member);

    // The record's views live until the next call, and as long as `line`.
    Record parse(std::string_view line);

    Format format() const { return format_; }
    // Of objects, once there was one; empty: none has been found.
    const std::string& time_member() const { return time_member_; }

  private:
    Record journal_record(const sidecar::JournalEntry& entry) const;
    Record object_record(std::string_view line);

    std::string channel_;
    std::string time_member_;
    Format format_ = Format::Unknown;
    sidecar::LineParser journal_{};
    sidecar::JsonScanner json_{};
};

// The files that are meant by some paths, in the order of their replay: of a directory, the
// segments of the journal in it, the oldest first. Throws std::runtime_error, whose text names the
// path, where one is not there or is not what it should be.
std::vector<std::string> files_of(const std::vector<std::string>& paths);

// The format of a file, by its first good line; Unknown: it has none.
Format format_of(const std::string& path);

}  // namespace herald::cli
