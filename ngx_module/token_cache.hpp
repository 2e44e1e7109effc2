// Tokens that a worker has verified already, by their digest: checking a signature once per token
// is enough. Bounded; the least recently used goes first.
//
// A token that was verified for one set of issuers says nothing about another: `scope` names the
// set. Nothing is kept of tokens that were refused: strangers could fill it.
#pragma once

#include <cstddef>
#include <cstring>
#include <list>
#include <memory>
#include <unordered_map>

#include "opaque_tokens.hpp"

namespace herald {

class TokenCache {
  public:
    explicit TokenCache(size_t capacity) : capacity_(capacity) {}

    // nullptr: not known, or accepted no longer at `now` (seconds since 1970).
    std::shared_ptr<const Identity> find(const void* scope, const Digest& token, int64_t now) {
        const auto at = entries_.find({scope, token});
        if (at == entries_.end())
            return nullptr;
        const auto until = at->second->identity->accepted_until();
        if (until && now >= *until) {
            order_.erase(at->second);
            entries_.erase(at);
            return nullptr;
        }
        order_.splice(order_.begin(), order_, at->second);
        return at->second->identity;
    }

    void keep(const void* scope, const Digest& token, std::shared_ptr<const Identity> identity) {
        const Key key{scope, token};
        if (entries_.contains(key))
            return;
        if (entries_.size() >= capacity_) {
            entries_.erase(order_.back().key);
            order_.pop_back();
        }
        order_.push_front({key, std::move(identity)});
        try {
            entries_.emplace(key, order_.begin());
        } catch (...) {
            order_.pop_front();
            throw;
        }
    }

    // Keys have changed: everything is to be verified again.
    void clear() {
        entries_.clear();
        order_.clear();
    }

    size_t size() const { return entries_.size(); }

  private:
    struct Key {
        const void* scope;
        Digest digest;
        bool operator==(const Key&) const = default;
    };
    // The digest's own bytes are as good as any hash of them.
    struct Hash {
        size_t operator()(const Key& key) const {
            size_t bytes;
            std::memcpy(&bytes, key.digest.data(), sizeof bytes);
            return bytes ^ reinterpret_cast<size_t>(key.scope);
        }
    };
    struct Entry {
        Key key;
        std::shared_ptr<const Identity> identity;
    };

    size_t capacity_;
    std::list<Entry> order_{};  // the most recently used first
    std::unordered_map<Key, std::list<Entry>::iterator, Hash> entries_{};
};

}  // namespace herald
