// Tokens that a worker has verified already, by their digest: checking a signature once per token
// is enough. Bounded; the least recently used goes first.
//
// A token that was verified for one set of issuers says nothing about another: `scope` names the
// set. Nothing is kept of tokens that were refused: strangers could fill it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "opaque_tokens.hpp"

namespace herald {

class TokenCache {
  public:
    explicit TokenCache(uint32_t capacity) : capacity_(capacity) {}

    // nullptr: not known, or accepted no longer at `now` (seconds since 1970).
    std::shared_ptr<const Identity> find(const void* scope, const Digest& token, int64_t now) {
        const size_t place = find_place(scope, token);
        if (index_.empty() || index_[place].entry == kNone)
            return nullptr;
        const uint32_t number = index_[place].entry;
        const auto until = entries_[number].identity->accepted_until();
        if (until && now >= *until) {
            remove(place);
            return nullptr;
        }
        unlink(number);
        link_first(number);
        return entries_[number].identity;
    }

    void keep(const void* scope, const Digest& token, std::shared_ptr<const Identity> identity) {
        if (index_.empty()) {
            index_.resize(std::bit_ceil(size_t{2} * capacity_));
            entries_.reserve(capacity_);
        }
        if (index_[find_place(scope, token)].entry != kNone)
            return;
        if (size_ == capacity_)
            remove(find_place(entries_[last_].scope, entries_[last_].token));
        uint32_t number = free_;
        if (number != kNone) {
            free_ = entries_[number].next;
        } else {
            number = static_cast<uint32_t>(entries_.size());
            entries_.emplace_back();
        }
        Entry& entry = entries_[number];
        entry.scope = scope;
        entry.token = token;
        entry.identity = std::move(identity);
        link_first(number);
        index_[find_place(scope, token)] = {tag_of(scope, token), number};
        ++size_;
    }

    // Keys have changed: everything is to be verified again.
    void clear() {
        entries_.clear();
        index_.clear();
        first_ = last_ = free_ = kNone;
        size_ = 0;
    }

    size_t size() const { return size_; }

  private:
    static constexpr uint32_t kNone = UINT32_MAX;

    struct Entry {
        const void* scope = nullptr;
        Digest token{};
        std::shared_ptr<const Identity> identity{};
        uint32_t previous = kNone;  // in order of use
        uint32_t next = kNone;
    };
    // A token that is not here, which is every new one, costs one cache line: that of its place.
    struct Place {
        uint32_t tag = 0;
        uint32_t entry = kNone;
    };

    // The digest's own bytes are as good as any hash of them.
    static uint32_t tag_of(const void* scope, const Digest& token) {
        uint32_t bytes;
        std::memcpy(&bytes, token.data(), sizeof bytes);
        return bytes ^ static_cast<uint32_t>(reinterpret_cast<uintptr_t>(scope) >> 4);
    }

    size_t next_place(size_t place) const { return (place + 1) & (index_.size() - 1); }

    // Where the token is, or else the free place where it belongs.
    size_t find_place(const void* scope, const Digest& token) const {
        if (index_.empty())
            return 0;
        const uint32_t tag = tag_of(scope, token);
        size_t place = tag & (index_.size() - 1);
        for (; index_[place].entry != kNone; place = next_place(place)) {
            const Entry& entry = entries_[index_[place].entry];
            if (index_[place].tag == tag && entry.scope == scope && entry.token == token)
                break;
        }
        return place;
    }

    void remove(size_t place) {
        const uint32_t number = index_[place].entry;
        unlink(number);
        entries_[number].identity.reset();
        entries_[number].next = free_;
        free_ = number;
        --size_;
        // What had to make way for it moves up, so that no search ends too early.
        const size_t mask = index_.size() - 1;
        for (size_t at = next_place(place); index_[at].entry != kNone; at = next_place(at)) {
            const size_t home = index_[at].tag & mask;
            if (((at - home) & mask) < ((at - place) & mask))
                continue;
            index_[place] = index_[at];
            place = at;
        }
        index_[place] = {};
    }

    void link_first(uint32_t number) {
        entries_[number].previous = kNone;
        entries_[number].next = first_;
        (first_ == kNone ? last_ : entries_[first_].previous) = number;
        first_ = number;
    }

    void unlink(uint32_t number) {
        const Entry& entry = entries_[number];
        (entry.previous == kNone ? first_ : entries_[entry.previous].next) = entry.next;
        (entry.next == kNone ? last_ : entries_[entry.next].previous) = entry.previous;
    }

    uint32_t capacity_;
    uint32_t size_ = 0;
    std::vector<Entry> entries_{};
    std::vector<Place> index_{};  // open addressing, at most half full; empty until it is needed
    uint32_t first_ = kNone;      // the most recently used
    uint32_t last_ = kNone;
    uint32_t free_ = kNone;  // entries to use again, linked by `next`
};

}  // namespace herald
