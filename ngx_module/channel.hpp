// What a worker knows of channels: which are in the ring, and which of its subscribers want them.
//
// A topic is a set of channels that some connection subscribes to, most often one, and what its
// location does to their events. Its subscribers share lanes, one per encoding in use; so a
// connection to several channels gets them in the order of their seqs. The table maps the hash of a
// channel (ring/hash.hpp) to the position of its newest record and to its topics; one look-up per
// event, also for the many channels that nobody here listens to. 64-bit seeded hashes are taken as
// equal names for positions (a replay checks the name itself) but never for topics.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lane.hpp"
#include "ring/layout.hpp"

namespace herald {

class Topic {
  public:
    explicit Topic(std::vector<std::string> channels, const void* rules = nullptr)
        : channels_(std::move(channels)), rules_(rules) {}

    const std::vector<std::string>& channels() const {
        return channels_;
    }  // sorted, without repeats
    bool has(std::string_view channel) const;
    // What is done to its events on the way out; nullptr: nothing. For the caller to understand.
    const void* rules() const { return rules_; }

    // The lane of an encoding, made at its first use. `last_seq` is that of the newest event read.
    Lane& lane(Encoding encoding, uint64_t last_seq);
    template <class Function>
    void each_lane(Function&& function) {
        for (auto& lane : lanes_) {
            if (lane)
                function(*lane);
        }
    }

    uint32_t users = 0;  // subscribers, on a lane or about to be
    bool dirty = false;  // got events in this wake

  private:
    std::vector<std::string> channels_;
    const void* rules_;
    std::array<std::unique_ptr<Lane>, Encoding::kCount> lanes_;
};

class ChannelTable {
  public:
    struct Entry {
        uint64_t hash = 0;
        uint64_t last = ring::kNoPosition;      // position of the newest record
        std::vector<Topic*>* topics = nullptr;  // owned by the table; nullptr: nobody here listens
    };

    explicit ChannelTable();
    ~ChannelTable();
    ChannelTable(const ChannelTable&) = delete;
    ChannelTable& operator=(const ChannelTable&) = delete;

    // A ring has come: other hashes, and no position is known any more. Topics stay.
    void rebase(uint64_t hash_seed);

    // Notes a record and returns its channel's entry; valid until the next call.
    Entry& note(uint64_t hash, uint64_t position);
    // The position of the newest record of a channel, or kNoPosition.
    uint64_t last(std::string_view channel) const;

    // Forgets positions before `oldest`; called now and then, so that the table stays as small as
    // the ring.
    void forget_before(uint64_t oldest);

    // The topic of these channels (any order, repeats allowed), with these rules; `release` gives
    // it back.
    Topic& acquire(std::vector<std::string> channels, const void* rules = nullptr);
    void release(Topic& topic);
    template <class Function>
    void each_topic(Function&& function) {
        for (auto& [key, topic] : topics_)
            function(*topic);
    }

    size_t size() const { return used_; }

  private:
    Entry& find_or_add(uint64_t hash);
    const Entry* find(uint64_t hash) const;
    void resize(size_t capacity);
    void link(Topic& topic);

    uint64_t seed_ = 0;
    uint64_t oldest_ = 0;
    size_t used_ = 0;
    std::vector<Entry> entries_;  // open addressing, a power of two; hash 0 marks a free place
    std::unordered_map<std::string, std::unique_ptr<Topic>> topics_;  // by joined names
};

}  // namespace herald
