// One line of the journal (docs/formats.md): an event, or a notice that took a seq of its own.
//
//   {"id":"7f3a2c01-42","at":"2026-11-21T10:00:00.123Z","channel":"jobs:1","event":"done","end":true,"data":{"ok":true}}
//   {"id":"7f3a2c01-43","at":"2026-11-21T10:00:01.000Z","notice":"redis_lost"}
//   {"id":"7f3a2c01-44","at":"2026-11-21T10:00:02.000Z","notice":"redis_back","from":"7f3a2c01-43"}
//
// "event" is absent where the event has no name, "end" where it does not end its channel's
// streams. Members come in this order, without white space. `data` is byte for byte what was
// published.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ring/id.hpp"
#include "ring/layout.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::sidecar {

struct JournalEntry {
    ring::Kind kind = ring::Kind::Event;  // any but Padding
    bool ends = false;                    // the event ends its channel's streams
    ring::EventId id{};
    uint64_t from_seq = 0;  // RedisBack and Gap: as in ring::RecordHeader
    uint64_t at_ms = 0;     // time of arrival, milliseconds since 1970
    std::string_view channel{};
    std::string_view event{};  // empty: no name
    std::string_view data{};   // one line
};

// Where the parts of an appended line's entry are in `out`, for whoever needs them as they were.
struct LineParts {
    size_t data = 0;  // offset in `out` of the data, which is there byte for byte
};

// Appends the entry as one line with its LF.
LineParts append_line(std::string& out, const JournalEntry& entry);

// Appends a text as it stands between the quotes of a JSON string.
void append_escaped(std::string& out, std::string_view text);

// Appends a time (milliseconds since 1970) in the form above.
void append_time(std::string& out, uint64_t ms);

// The seq that a line starts with; nothing where it does not start as a line does. It says nothing
// about the rest of the line.
std::optional<uint64_t> leading_seq(std::string_view line);

// Parses lines one after the other; its memory is used again.
//
// There is one spelling for an entry: a line that parses is byte for byte what `append_line` makes
// of the entry.
class LineParser {
  public:
    // `line`: without its LF. False, with `entry` in any state, where it is no line of this form:
    // its data is not JSON on one line, a name is none by ring/names.hpp, it is not UTF-8, or it is
    // "from" what comes after it. The entry's views live until the next call, and as long as
    // `line`.
    bool parse(std::string_view line, JournalEntry& entry);

  private:
    bool parse_event(std::string_view rest, JournalEntry& entry);

    std::string channel_{};  // where it had escapes
    std::string event_{};
    JsonScanner scanner_{};
};

}  // namespace herald::sidecar
