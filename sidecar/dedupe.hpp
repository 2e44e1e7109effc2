// Remembers the values of the feeds' dedupe members, so that a repeat can be told.
//
// A value is a repeat where its channel has had the same one among its last 1,000 values, or
// within the last 10 minutes; either suffices. What counts is the event that was added: a repeat
// that was dropped does not prolong anything.
//
// At most `capacity` values are remembered, over all channels, the oldest forgotten first; what
// can be no repeat's match any more is forgotten as newer ones come. A value is a 128-bit
// fingerprint, seeded anew for every start: two different ones are never taken for the same in
// practice, and nobody can prepare such a pair.
//
//   entries   a queue, 40 bytes a value, in blocks that come and go with its length
//   values    fingerprint -> the newest entry with it, 5 to 11 bytes a value
//   channels  channel -> its newest entry, 5 to 11 bytes a channel that has an entry
//
// A channel's counter is the ordinal in its newest entry, and is forgotten with it. A million
// values take 48 MB, or 57 MB where every one has a channel of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sidecar/index_table.hpp"

namespace herald::sidecar {

class Dedupe {
  public:
    static constexpr size_t kCapacity = 1'000'000;
    static constexpr uint32_t kEvents = 1000;  // of a channel
    static constexpr uint64_t kWindowMs = 10 * 60'000;

    explicit Dedupe(size_t capacity = kCapacity);  // at least 1
    ~Dedupe();
    Dedupe(const Dedupe&) = delete;
    Dedupe& operator=(const Dedupe&) = delete;

    // The seq of the event that this value repeats, or nothing. `now_ms`: milliseconds by any
    // clock. It may jump: a step back is taken for no time at all, one forward for ten minutes and
    // a second at most.
    std::optional<uint64_t> find(std::string_view channel, std::string_view value, uint64_t now_ms);

    // Remembers an event's value. From here on it is this event that repeats are repeats of. Throws
    // std::bad_alloc where it cannot remember it.
    void add(std::string_view channel, std::string_view value, uint64_t seq, uint64_t now_ms);

    size_t size() const { return size_; }                 // values remembered, at most the capacity
    size_t channels() const { return channels_.size(); }  // that are counted for them
    size_t bytes() const;                                 // of memory, nearly

  private:
    struct Fingerprint {
        uint64_t low;
        uint64_t high;
        bool operator==(const Fingerprint&) const = default;
    };
    struct Entry {
        Fingerprint value;
        uint64_t channel;  // hash
        uint64_t seq;
        uint32_t ordinal;  // of the value in its channel; wraps
        uint32_t at_s;     // by `clock_ms_`
    };
    static constexpr size_t kBlock = 1024;  // entries
    struct Block {
        Entry entries[kBlock];
    };

    static Fingerprint fingerprint(std::string_view value, uint64_t channel);
    void advance(uint64_t now_ms);
    uint32_t now_s() const { return static_cast<uint32_t>(clock_ms_ / 1000); }
    uint32_t newest_of(uint64_t channel) const;
    bool may_match(const Entry& old) const;
    void forget_oldest();
    void forget_some();

    Entry& entry(uint32_t index) { return blocks_[index / kBlock]->entries[index % kBlock]; }
    const Entry& entry(uint32_t index) const {
        return blocks_[index / kBlock]->entries[index % kBlock];
    }
    uint32_t after(uint32_t index) const { return index + 1 == capacity_ ? 0 : index + 1; }

    uint32_t capacity_;
    uint64_t seed_;

    // A ring of `capacity_` places; only the blocks that hold a part of the queue are there.
    std::vector<std::unique_ptr<Block>> blocks_{};
    uint32_t oldest_ = 0;
    uint32_t next_ = 0;  // behind the newest
    uint32_t size_ = 0;

    IndexTable values_{};
    IndexTable channels_{};

    uint64_t clock_ms_ = 0;  // only goes forward, starting from 0
    std::optional<uint64_t> last_now_ms_{};
};

}  // namespace herald::sidecar
