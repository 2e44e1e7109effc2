#include "channel.hpp"

#include <algorithm>

#include "ring/hash.hpp"

namespace herald {

namespace {

constexpr size_t kSmallest = 1024;  // entries

// No channel's name has a line feed.
std::string key_of(const std::vector<std::string>& channels, const void* rules) {
    std::string key;
    for (const std::string& channel : channels)
        key.append(channel).push_back('\n');
    if (rules != nullptr)
        key.append(reinterpret_cast<const char*>(&rules), sizeof rules);
    return key;
}

// 0 marks free places; the one name in 2^64 that hashes to it shares 1.
uint64_t as_key(uint64_t hash) {
    return hash == 0 ? 1 : hash;
}

}  // namespace

bool Topic::has(std::string_view channel) const {
    return std::find(channels_.begin(), channels_.end(), channel) != channels_.end();
}

Lane& Topic::lane(Encoding encoding, uint64_t last_seq) {
    auto& lane = lanes_[encoding.index()];
    if (!lane)
        lane = std::make_unique<Lane>(encoding, last_seq);
    return *lane;
}

ChannelTable::ChannelTable() : entries_(kSmallest) {}

ChannelTable::~ChannelTable() {
    for (Entry& entry : entries_)
        delete entry.topics;
}

void ChannelTable::rebase(uint64_t hash_seed) {
    for (Entry& entry : entries_)
        delete entry.topics;
    entries_.assign(kSmallest, Entry{});
    used_ = 0;
    oldest_ = 0;
    seed_ = hash_seed;
    for (auto& [key, topic] : topics_)
        link(*topic);
}

ChannelTable::Entry& ChannelTable::note(uint64_t hash, uint64_t position) {
    Entry& entry = find_or_add(as_key(hash));
    entry.last = position;
    return entry;
}

uint64_t ChannelTable::last(std::string_view channel) const {
    const Entry* entry = find(as_key(ring::hash_channel(channel, seed_)));
    return entry == nullptr ? ring::kNoPosition : entry->last;
}

void ChannelTable::forget_before(uint64_t oldest) {
    oldest_ = oldest;
}

const ChannelTable::Entry* ChannelTable::find(uint64_t hash) const {
    const size_t mask = entries_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        if (entries_[at].hash == hash)
            return &entries_[at];
        if (entries_[at].hash == 0)
            return nullptr;
    }
}

ChannelTable::Entry& ChannelTable::find_or_add(uint64_t hash) {
    for (;;) {
        const size_t mask = entries_.size() - 1;
        for (size_t at = hash & mask;; at = (at + 1) & mask) {
            if (entries_[at].hash == hash)
                return entries_[at];
            if (entries_[at].hash != 0)
                continue;
            if (2 * used_ < entries_.size()) {
                ++used_;
                entries_[at].hash = hash;
                return entries_[at];
            }
            break;
        }
        resize(entries_.size());
    }
}

// Makes the table anew without what is gone from the ring: as large as before if that leaves it at
// most a quarter full, else twice as large.
void ChannelTable::resize(size_t capacity) {
    auto alive = [this](const Entry& entry) {
        return entry.hash != 0 && (entry.topics != nullptr ||
                                   (entry.last != ring::kNoPosition && entry.last >= oldest_));
    };
    const auto kept = static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), alive));
    while (4 * kept > capacity)
        capacity *= 2;

    std::vector<Entry> old(capacity);
    old.swap(entries_);
    used_ = kept;
    const size_t mask = capacity - 1;
    for (const Entry& entry : old) {
        if (!alive(entry))
            continue;
        size_t at = entry.hash & mask;
        while (entries_[at].hash != 0)
            at = (at + 1) & mask;
        entries_[at] = entry;
    }
}

Topic& ChannelTable::acquire(std::vector<std::string> channels, const void* rules) {
    if (channels.size() > 1) {
        std::sort(channels.begin(), channels.end());
        channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
    }
    const std::string key = key_of(channels, rules);
    auto found = topics_.find(key);
    if (found == topics_.end()) {
        found = topics_.emplace(key, std::make_unique<Topic>(std::move(channels), rules)).first;
        link(*found->second);
    }
    ++found->second->users;
    return *found->second;
}

void ChannelTable::link(Topic& topic) {
    for (const std::string& channel : topic.channels()) {
        Entry& entry = find_or_add(as_key(ring::hash_channel(channel, seed_)));
        if (entry.topics == nullptr)
            entry.topics = new std::vector<Topic*>;
        entry.topics->push_back(&topic);
    }
}

void ChannelTable::release(Topic& topic) {
    if (--topic.users != 0)
        return;
    for (const std::string& channel : topic.channels()) {
        Entry& entry = find_or_add(as_key(ring::hash_channel(channel, seed_)));
        std::erase(*entry.topics, &topic);
        if (entry.topics->empty()) {
            delete entry.topics;
            entry.topics = nullptr;
        }
    }
    topics_.erase(key_of(topic.channels(), topic.rules()));
}

}  // namespace herald
