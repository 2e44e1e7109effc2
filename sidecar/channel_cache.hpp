// The channels that the index has met last, with what it needs to know of each for the next event.
// Bounded: the one used longest ago goes first, and is read from the database when it comes again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sidecar/feed.hpp"

namespace herald::sidecar {

struct IndexedChannel {
    std::string name{};
    int64_t id = 0;               // in the database
    const Feed* feed = nullptr;   // nullptr: no feed claims it any more
    uint64_t last_seq = 0;        // of its newest event, pruned or not
    uint8_t last_flags = 0;       // of the same
    int64_t high_us = INT64_MIN;  // largest time of its events
    uint64_t count = 0;           // its events in the index; kept where the feed has max_events
    uint64_t pruned_seq = 0;      // its events up to here have been deleted
};

class ChannelCache {
  public:
    explicit ChannelCache(size_t capacity) : capacity_(capacity) {}

    // nullptr: not here. A pointer lives until the next `add`.
    IndexedChannel* find(std::string_view name) {
        auto found = by_name_.find(name);
        if (found == by_name_.end())
            return nullptr;
        channels_.splice(channels_.begin(), channels_, found->second);
        return &channels_.front();
    }

    // Adds a channel that is not here.
    IndexedChannel& add(IndexedChannel channel) {
        if (channels_.size() == capacity_) {
            by_name_.erase(channels_.back().name);
            channels_.splice(channels_.begin(), channels_, --channels_.end());
            channels_.front() = std::move(channel);
        } else {
            channels_.push_front(std::move(channel));
        }
        by_name_.emplace(channels_.front().name, channels_.begin());
        return channels_.front();
    }

    size_t size() const { return channels_.size(); }

  private:
    size_t capacity_;
    std::list<IndexedChannel> channels_{};  // used last comes first
    std::unordered_map<std::string_view, std::list<IndexedChannel>::iterator> by_name_{};
};

}  // namespace herald::sidecar
