// What is written of what a stream brings, by the rules that docs/cli.md has, and how it is
// counted.
//
// Pure: it decides, and writes nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "sidecar/cli/received.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::cli {

enum class Sort {
    Event,
    Gap,        // the server says that events may be missing
    Greeting,   // what it says at the start of a connection
    Keepalive,  // `{}`, or nothing at all
    TooLong,
    NotJson,
};

class Sorter {
  public:
    // `first`: it is the first event of its connection.
    Sort sort(const Received& received, bool first);

    // Of the last Gap: its reason, a view into its data.
    std::string_view gap_reason() const { return gap_reason_; }

  private:
    bool is_gap(const Received& received);
    bool is_greeting(const Received& received);

    sidecar::JsonScanner json_{};
    std::string_view gap_reason_{};
};

}  // namespace herald::cli
