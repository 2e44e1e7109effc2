// How a table is doing, for people who watch it.
#pragma once

#include <cstdint>
#include <string>

namespace herald::sidecar::postgres {

struct TableFigures {
    std::string feed{};
    std::string table{};
    uint64_t seq = 0;  // of the newest entry that is committed, or was none of its events
    bool failing = false;
    std::string error{};  // of the last failure; empty: there was none
    // Since the start.
    uint64_t inserted = 0;
    uint64_t repeats = 0;  // rows whose unique value was there already
    uint64_t refused = 0;  // rows that went to the dead letters
};

}  // namespace herald::sidecar::postgres
