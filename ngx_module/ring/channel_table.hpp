// Where the newest record of each channel is that the ring still has: the writer's own memory, by
// which records of a channel are chained. It keeps no names; the ring has them.
//
// A hash table with open addressing and linear probing: 16 bytes a slot, at most three quarters of
// the slots taken, one allocation each time that it doubles. It never shrinks; what it holds is
// bounded by the ring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "layout.hpp"

namespace herald::ring {

class ChannelTable {
  public:
    // Makes room for one more channel. Throws std::bad_alloc, and is then as it was.
    void reserve() {
        if ((size_ + 1) * 4 <= slots_.size() * 3)
            return;
        std::vector<Slot> bigger(slots_.empty() ? 64 : slots_.size() * 2);
        std::swap(slots_, bigger);
        for (const Slot& slot : bigger) {
            if (slot.position != kNoPosition)
                slots_[find(slot.hash, [](uint64_t) { return false; })] = slot;
        }
    }

    // Remembers `position` for the channel with this hash whose record `is_it(position)` knows, and
    // returns what was remembered before, or kNoPosition. There must be room.
    template <class IsIt>
    uint64_t assign(uint64_t hash, uint64_t position, IsIt&& is_it) {
        Slot& slot = slots_[find(hash, is_it)];
        size_ += slot.position == kNoPosition ? 1 : 0;
        slot.hash = hash;
        return std::exchange(slot.position, position);
    }

    // Forgets the channel if this is still its newest record.
    void erase(uint64_t hash, uint64_t position) {
        if (slots_.empty())
            return;
        size_t hole = find(hash, [position](uint64_t other) { return other == position; });
        if (slots_[hole].position == kNoPosition)
            return;

        // Whatever was pushed past the hole moves back into it, so that no probe ends early.
        const size_t mask = slots_.size() - 1;
        for (size_t i = (hole + 1) & mask; slots_[i].position != kNoPosition; i = (i + 1) & mask) {
            const size_t home = slots_[i].hash & mask;
            if (((i - home) & mask) >= ((i - hole) & mask)) {
                slots_[hole] = slots_[i];
                hole = i;
            }
        }
        slots_[hole].position = kNoPosition;
        --size_;
    }

    void clear() {
        slots_.clear();
        size_ = 0;
    }

    size_t size() const { return size_; }

  private:
    struct Slot {
        uint64_t hash = 0;
        uint64_t position = kNoPosition;  // kNoPosition: the slot is free
    };

    // The slot of the channel, or the free one where it would go.
    template <class IsIt>
    size_t find(uint64_t hash, IsIt&& is_it) const {
        const size_t mask = slots_.size() - 1;
        size_t i = hash & mask;
        while (slots_[i].position != kNoPosition &&
               !(slots_[i].hash == hash && is_it(slots_[i].position)))
            i = (i + 1) & mask;
        return i;
    }

    std::vector<Slot> slots_{};  // their number is a power of two
    size_t size_ = 0;
};

}  // namespace herald::ring
