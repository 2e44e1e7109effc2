// A channel is always pruned from its oldest event on, also where a clock that was set has left
// later times before earlier ones.
#include "sidecar/index_pruner.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace herald::sidecar {

namespace {

constexpr uint64_t kMostRows = 20'000;  // that one call looks at: some 50 ms
constexpr uint64_t kMostAheadMs = 3'600'000;

}  // namespace

// The key names the patterns as well: a cursor has passed over the events of other feeds, so with
// another set of feeds the work starts at the oldest event again.
IndexPruner::IndexPruner(IndexStore& store) : store_(store) {
    std::map<uint64_t, std::vector<std::string>> patterns;
    for (const Feed& feed : store.feeds()) {
        if (feed.retention_ms != 0)
            patterns[feed.retention_ms].push_back(feed.channels.text());
    }
    for (auto& [retention_ms, texts] : patterns) {
        std::ranges::sort(texts);
        std::string key = "pruned " + std::to_string(retention_ms);
        for (const std::string& text : texts)
            key.append(" ").append(text);
        const uint64_t seq = store.remembered(key).value_or(0);
        cursors_.push_back({retention_ms, std::move(key), seq});
    }
}

void IndexPruner::prune(uint64_t now_ms) {
    store_.insert_waiting();
    for (Cursor& cursor : cursors_) {
        if (now_ms > cursor.retention_ms)
            prune_some(cursor, now_ms, std::max<uint64_t>(kMostRows / cursors_.size(), 1));
    }
}

void IndexPruner::prune_some(Cursor& cursor, uint64_t now_ms, uint64_t most) {
    struct Channel {
        std::string name{};  // empty: another retention's
        uint64_t due_seq = 0;
    };
    std::unordered_map<int64_t, Channel> channels;
    const uint64_t due_ms = now_ms - cursor.retention_ms;
    uint64_t seen = 0;
    {
        sqlite::Query event(events_, cursor.seq, most);
        for (; event.next(); ++seen) {
            auto [found, is_new] = channels.try_emplace(event.integer(1));
            Channel& channel = found->second;
            if (is_new) {
                std::string name = store_.channel_name(event.integer(1));
                if (retention_of(name) == cursor.retention_ms)
                    channel.name = std::move(name);
            }

            // One from a clock that was far ahead says nothing about those behind it. It goes with
            // the next one of its channel.
            const uint64_t at_ms = event.seq(2);
            if (!channel.name.empty() && at_ms <= now_ms + kMostAheadMs) {
                if (at_ms > due_ms)
                    break;
                channel.due_seq = event.seq(0);
            }
            cursor.seq = event.seq(0);
        }
    }

    bool pruned = false;
    for (const auto& [id, channel] : channels) {
        if (channel.due_seq == 0)
            continue;
        store_.prune(channel.name, channel.due_seq);
        pruned = true;
    }
    if (pruned || seen == most)
        store_.remember(cursor.key, cursor.seq);
}

uint64_t IndexPruner::retention_of(std::string_view channel) {
    for (const Feed& feed : store_.feeds()) {
        if (feed.channels.matches(channel))
            return feed.retention_ms;
    }
    return 0;
}

}  // namespace herald::sidecar
