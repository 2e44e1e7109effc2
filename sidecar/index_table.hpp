// A hash table of indices into somebody else's entries: open addressing with linear probing, four
// bytes a slot, at most three quarters of the slots taken.
//
// It keeps neither keys nor hashes: callers say whether an index is the one they mean, and what
// hash an index has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace herald::sidecar {

class IndexTable {
  public:
    static constexpr uint32_t kNone = UINT32_MAX;

    // The index for which `is_it(index)` holds, among those with this hash; or kNone.
    template <class IsIt>
    uint32_t find(uint64_t hash, IsIt&& is_it) const {
        return slots_.empty() ? kNone : slots_[slot_of(hash, is_it)];
    }

    // Makes room for one more; `hash_of(index)`. Throws std::bad_alloc, and is then as it was.
    template <class HashOf>
    void reserve(HashOf&& hash_of) {
        if ((size_ + 1) * 4 <= slots_.size() * 3)
            return;
        std::vector<uint32_t> bigger(slots_.empty() ? 64 : slots_.size() * 2, kNone);
        std::swap(slots_, bigger);
        for (uint32_t index : bigger) {
            if (index != kNone)
                slots_[slot_of(hash_of(index), [](uint32_t) { return false; })] = index;
        }
    }

    // Puts `index` in the place of the one for which `is_it` holds, or adds it, for which there
    // must be room.
    template <class IsIt>
    void assign(uint64_t hash, uint32_t index, IsIt&& is_it) {
        uint32_t& slot = slots_[slot_of(hash, is_it)];
        size_ += slot == kNone ? 1 : 0;
        slot = index;
    }

    // Removes `index`, which has this hash, where it is there.
    template <class HashOf>
    void erase(uint64_t hash, uint32_t index, HashOf&& hash_of) {
        if (slots_.empty())
            return;
        size_t hole = slot_of(hash, [index](uint32_t other) { return other == index; });
        if (slots_[hole] == kNone)
            return;

        // Whatever was pushed past the hole moves back into it, so that no probe ends early.
        const size_t mask = slots_.size() - 1;
        for (size_t slot = (hole + 1) & mask; slots_[slot] != kNone; slot = (slot + 1) & mask) {
            const size_t home = hash_of(slots_[slot]) & mask;
            if (((slot - home) & mask) >= ((slot - hole) & mask)) {
                slots_[hole] = slots_[slot];
                hole = slot;
            }
        }
        slots_[hole] = kNone;
        --size_;
    }

    size_t size() const { return size_; }
    size_t bytes() const { return slots_.size() * sizeof(uint32_t); }

  private:
    // Of the index for which `is_it` holds, or of the free slot where it would go.
    template <class IsIt>
    size_t slot_of(uint64_t hash, IsIt&& is_it) const {
        const size_t mask = slots_.size() - 1;
        size_t slot = hash & mask;
        while (slots_[slot] != kNone && !is_it(slots_[slot]))
            slot = (slot + 1) & mask;
        return slot;
    }

    std::vector<uint32_t> slots_{};  // their number is a power of two
    size_t size_ = 0;
};

}  // namespace herald::sidecar
