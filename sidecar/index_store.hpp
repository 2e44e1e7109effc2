// The open index: adds what the journal brings, deletes what is too old, and knows the channels.
//
// Between two commits there is one transaction; it begins with the first change. Everything is on
// one connection, so what was added is seen before it is committed. After an exception the store
// is good for nothing but to be thrown away: the transaction goes with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/channel_cache.hpp"
#include "sidecar/event_time.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/index_rows.hpp"
#include "sidecar/journal_entry.hpp"
#include "sidecar/sqlite.hpp"

namespace herald::sidecar {

class IndexStore {
  public:
    // Opens as open_index_database does. `feeds` outlives the store; `cached_channels`: at least 1.
    IndexStore(const std::string& path, bool damaged, const std::vector<Feed>& feeds,
               size_t cached_channels);

    uint64_t applied_seq() const { return applied_seq_; }
    uint64_t floor_seq() const { return floor_seq_; }  // it began behind this one
    bool is_gone() const { return database_.has_moved(); }
    sqlite::Database& database() { return database_; }
    const std::vector<Feed>& feeds() const { return feeds_; }

    // Adds an entry; its seq is above applied_seq().
    void add(const JournalEntry& entry);
    // Puts what was added into the tables, for whoever reads them without a Reading.
    void insert_waiting() { rows_.insert(); }
    // Events up to `seq` will not come. Behind the first entry, that is kept as a Gap.
    void skip_to(uint64_t seq);
    void commit();

    // nullptr: it has never had an event. The pointer lives until the next call.
    const IndexedChannel* channel(std::string_view name);
    std::string channel_name(int64_t id);

    // Up to here its events are gone, or too many for its feed and about to go.
    uint64_t hidden_seq(const IndexedChannel& channel);

    // Deletes a channel's events up to `seq`.
    void prune(std::string_view channel, uint64_t seq);

    // Sets a number in `meta` with the next commit.
    void remember(std::string_view key, uint64_t value);
    std::optional<uint64_t> remembered(std::string_view key);

    // What is read while it lives is one state of the database, and takes one lock.
    class Reading {
      public:
        explicit Reading(IndexStore& store);
        ~Reading();
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;

      private:
        IndexStore& store_;
        bool mine_;
    };

  private:
    void begin();
    void add_event(const JournalEntry& entry);
    IndexedChannel* find_channel(std::string_view name);
    IndexedChannel& load_channel(IndexedChannel channel);
    IndexedChannel& make_channel(std::string_view name);
    const Feed* feed_of(std::string_view name) const;
    uint64_t oldest_seq(int64_t channel, uint64_t nth);
    void prune(IndexedChannel& channel, uint64_t seq);

    sqlite::Database database_;
    const std::vector<Feed>& feeds_;
    ChannelCache channels_;
    JsonScanner scanner_{};
    uint64_t applied_seq_ = 0;
    uint64_t floor_seq_ = 0;
    bool writing_ = false;  // a transaction with changes is open

    sqlite::Statement begin_{database_, "BEGIN IMMEDIATE"};
    sqlite::Statement begin_reading_{database_, "BEGIN"};
    sqlite::Statement commit_{database_, "COMMIT"};
    sqlite::Statement put_meta_{database_, "INSERT OR REPLACE INTO meta VALUES (?, ?)"};
    sqlite::Statement get_meta_{database_, "SELECT value FROM meta WHERE key = ?"};

    IndexRows rows_{database_};
    sqlite::Statement put_notice_{database_, "INSERT INTO notices VALUES (?, ?, ?, ?)"};

    sqlite::Statement put_channel_{database_, "INSERT INTO channels (name) VALUES (?)"};
    sqlite::Statement get_channel_{
        database_, "SELECT id, pruned_seq, pruned_flags FROM channels WHERE name = ?"};
    sqlite::Statement get_name_{database_, "SELECT name FROM channels WHERE id = ?"};
    sqlite::Statement newest_entry_{database_,
                                    "SELECT seq, time_us + late_us, flags FROM entries "
                                    "WHERE channel = ? ORDER BY seq DESC LIMIT 1"};
    sqlite::Statement count_entries_{database_, "SELECT count(*) FROM entries WHERE channel = ?"};
    sqlite::Statement nth_entry_{
        database_, "SELECT seq FROM entries WHERE channel = ? ORDER BY seq LIMIT 1 OFFSET ?"};

    sqlite::Statement entries_up_to_{
        database_, "SELECT seq, flags FROM entries WHERE channel = ? AND seq <= ? ORDER BY seq"};
    sqlite::Statement delete_event_{database_, "DELETE FROM events WHERE seq = ?"};
    sqlite::Statement delete_entries_{database_,
                                      "DELETE FROM entries WHERE channel = ? AND seq <= ?"};
    sqlite::Statement set_pruned_{
        database_, "UPDATE channels SET pruned_seq = ?, pruned_flags = ? WHERE id = ?"};
};

}  // namespace herald::sidecar
