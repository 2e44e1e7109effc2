// Writing: one row in `events`, one in `entries`, and a row in `channels` for a new channel.
#include "sidecar/index_store.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sidecar/index_database.hpp"
#include "sidecar/step.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kMostPruned = 2000;  // events of one channel deleted for one that comes

// How many events a channel may have beyond max_events before they are deleted: a few at once
// cost less than each alone. Readers do not see them.
uint64_t slack_of(const Feed& feed) {
    return std::clamp<uint64_t>(feed.max_events / 8, 16, 1024);
}

}  // namespace

IndexStore::IndexStore(const std::string& path, bool damaged, const std::vector<Feed>& feeds,
                       size_t cached_channels)
    : database_(open_index_database(path, damaged)), feeds_(feeds), channels_(cached_channels) {
    applied_seq_ = remembered("applied_seq").value_or(0);
    floor_seq_ = remembered("floor_seq").value_or(0);
}

// -- adding

void IndexStore::begin() {
    if (writing_)
        return;
    sqlite::run(begin_);
    writing_ = true;
}

void IndexStore::add(const JournalEntry& entry) {
    begin();
    switch (entry.kind) {
        case ring::Kind::Event:
            add_event(entry);
            break;
        case ring::Kind::RedisBack:
        case ring::Kind::Gap:
            sqlite::run(put_notice_, entry.id.seq, static_cast<int64_t>(entry.kind), entry.from_seq,
                        entry.at_ms);
            break;
        default:  // nothing that a reader of the past would be told
            break;
    }
    applied_seq_ = entry.id.seq;
}

void IndexStore::add_event(const JournalEntry& entry) {
    IndexedChannel* channel = find_channel(entry.channel);
    if (channel == nullptr)
        channel = &make_channel(entry.channel);

    const uint8_t flags = entry.ends ? ring::kEndsStream : 0;
    const int64_t time_us = channel->feed == nullptr
                                ? static_cast<int64_t>(entry.at_ms) * 1000
                                : event_time_us(scanner_, *channel->feed, entry.data, entry.at_ms);
    channel->high_us = std::max(channel->high_us, time_us);

    rows_.add({.seq = entry.id.seq,
               .channel = channel->id,
               .at_ms = entry.at_ms,
               .time_us = time_us,
               .late_us = channel->high_us - time_us,
               .flags = flags},
              entry.event, entry.data);
    channel->last_seq = entry.id.seq;
    channel->last_flags = flags;
    ++channel->count;

    const Feed* feed = channel->feed;
    if (feed != nullptr && feed->max_events != 0 &&
        channel->count > feed->max_events + slack_of(*feed)) {
        const uint64_t excess = std::min(channel->count - feed->max_events, kMostPruned);
        prune(*channel, oldest_seq(channel->id, excess));
    }
}

// What is kept stays in reach: only where there is nothing before it, the floor rises.
void IndexStore::skip_to(uint64_t seq) {
    if (seq == applied_seq_)
        return;
    begin();
    if (applied_seq_ == floor_seq_) {
        floor_seq_ = seq;
        remember("floor_seq", seq);
    } else {
        // When it was lost is not known: as late as can be, so that who asks by time is told.
        sqlite::run(put_notice_, seq, static_cast<int64_t>(ring::Kind::Gap), applied_seq_,
                    wall_clock_ms());
    }
    applied_seq_ = seq;
}

void IndexStore::commit() {
    if (!writing_)
        return;
    insert_waiting();
    remember("applied_seq", applied_seq_);
    at_step("index.applied");
    sqlite::run(commit_);
    writing_ = false;
    at_step("index.committed");
}

// -- channels

const IndexedChannel* IndexStore::channel(std::string_view name) {
    return find_channel(name);
}

IndexedChannel* IndexStore::find_channel(std::string_view name) {
    if (IndexedChannel* channel = channels_.find(name))
        return channel;

    IndexedChannel channel;
    {
        sqlite::Query row(get_channel_, name);
        if (!row.next())
            return nullptr;
        channel.id = row.integer(0);
        channel.last_seq = channel.pruned_seq = row.seq(1);
        channel.last_flags = static_cast<uint8_t>(row.integer(2));
    }
    channel.name = name;
    return &load_channel(std::move(channel));
}

IndexedChannel& IndexStore::load_channel(IndexedChannel channel) {
    insert_waiting();
    channel.feed = feed_of(channel.name);
    {
        sqlite::Query row(newest_entry_, channel.id);
        if (row.next()) {
            channel.last_seq = row.seq(0);
            channel.high_us = row.integer(1);
            channel.last_flags = static_cast<uint8_t>(row.integer(2));
        }
    }
    if (channel.feed != nullptr && channel.feed->max_events != 0) {
        sqlite::Query row(count_entries_, channel.id);
        row.next();
        channel.count = row.seq(0);
    }
    return channels_.add(std::move(channel));
}

IndexedChannel& IndexStore::make_channel(std::string_view name) {
    sqlite::run(put_channel_, name);
    IndexedChannel channel;
    channel.id = sqlite3_last_insert_rowid(database_.get());
    channel.name = name;
    channel.feed = feed_of(name);
    return channels_.add(std::move(channel));
}

const Feed* IndexStore::feed_of(std::string_view name) const {
    for (const Feed& feed : feeds_) {
        if (feed.channels.matches(name))
            return &feed;
    }
    return nullptr;
}

std::string IndexStore::channel_name(int64_t id) {
    sqlite::Query row(get_name_, id);
    if (!row.next())
        throw sqlite::Error(SQLITE_CORRUPT, "index: an event's channel is missing");
    return std::string(row.text(0));
}

// -- deleting

uint64_t IndexStore::oldest_seq(int64_t channel, uint64_t nth) {
    insert_waiting();
    sqlite::Query row(nth_entry_, channel, nth - 1);
    if (!row.next())
        throw sqlite::Error(SQLITE_CORRUPT, "index: a channel has fewer events than were counted");
    return row.seq(0);
}

uint64_t IndexStore::hidden_seq(const IndexedChannel& channel) {
    const Feed* feed = channel.feed;
    if (feed == nullptr || feed->max_events == 0 || channel.count <= feed->max_events)
        return channel.pruned_seq;
    return oldest_seq(channel.id, channel.count - feed->max_events);
}

void IndexStore::prune(std::string_view name, uint64_t seq) {
    IndexedChannel* channel = find_channel(name);
    if (channel == nullptr)
        throw sqlite::Error(SQLITE_CORRUPT, "index: an event's channel is missing");
    prune(*channel, seq);
}

void IndexStore::prune(IndexedChannel& channel, uint64_t seq) {
    begin();
    insert_waiting();
    uint64_t pruned_seq = 0;
    int64_t pruned_flags = 0;
    uint64_t count = 0;
    {
        sqlite::Query entry(entries_up_to_, channel.id, seq);
        for (; entry.next(); ++count) {
            pruned_seq = entry.seq(0);
            pruned_flags = entry.integer(1);
            sqlite::run(delete_event_, pruned_seq);
        }
    }
    if (count == 0)
        return;
    sqlite::run(delete_entries_, channel.id, seq);
    sqlite::run(set_pruned_, pruned_seq, pruned_flags, channel.id);
    channel.pruned_seq = pruned_seq;
    channel.count -= std::min(channel.count, count);
}

// -- numbers, transactions

void IndexStore::remember(std::string_view key, uint64_t value) {
    begin();
    sqlite::run(put_meta_, key, value);
}

std::optional<uint64_t> IndexStore::remembered(std::string_view key) {
    sqlite::Query row(get_meta_, key);
    if (!row.next())
        return std::nullopt;
    return row.seq(0);
}

IndexStore::Reading::Reading(IndexStore& store) : store_(store), mine_(!store.writing_) {
    store_.insert_waiting();
    if (mine_)
        sqlite::run(store_.begin_reading_);
}

// A transaction without changes has nothing that could fail to be kept.
IndexStore::Reading::~Reading() {
    if (mine_)
        sqlite3_exec(store_.database_.get(), "COMMIT", nullptr, nullptr, nullptr);
}

}  // namespace herald::sidecar
