// Deletes events that are older than their feed's retention, a bounded piece at a time.
//
// Each distinct retention has a cursor of its own that goes once over the events, oldest first:
// whatever is before it has gone, or belongs to other feeds. (`max_events` is kept by the store.)
//
// The clock is believed: under one that is far ahead, events go early. Holding back until events
// say the same would not help, as they are stamped by the same clock; and where none come, it would
// keep events for longer than their feed allows.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "sidecar/index_store.hpp"

namespace herald::sidecar {

class IndexPruner {
  public:
    explicit IndexPruner(IndexStore& store);

    // Goes on where it was. What it deletes is part of the store's transaction.
    void prune(uint64_t now_ms);

  private:
    struct Cursor {
        uint64_t retention_ms = 0;
        std::string key{};  // in `meta`
        uint64_t seq = 0;   // events up to here need not be looked at again
    };
    void prune_some(Cursor& cursor, uint64_t now_ms, uint64_t most);
    uint64_t retention_of(std::string_view channel);

    IndexStore& store_;
    std::vector<Cursor> cursors_{};
    sqlite::Statement events_{store_.database(),
                              "SELECT seq, channel, at_ms FROM events WHERE seq > ? LIMIT ?"};
};

}  // namespace herald::sidecar
