// The index: a SQLite database (state/index.db, WAL) with the events by channel, which answers
// history. A projection of the journal: when it is deleted, it is built again.
//
// For one thread. Memory is bounded: SQLite's page cache and `cached_channels` channels. After an
// exception other than std::logic_error the database is closed, and what was not committed is
// gone; everything but `open` then throws std::runtime_error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/channel_folders.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/history_store.hpp"

namespace herald::sidecar {

class IndexPruner;
class IndexReader;
class IndexStore;

class Index final : public HistoryStore {
  public:
    static constexpr size_t kCachedChannels = 65'536;

    // `path`: of the database, in the state directory. `feeds`: outlives the index; says the time
    // member, retention and max_events of a channel, and where its folder would be. `journal_end`:
    // the seq behind which the journal's next entry comes; asked once, here; none: whatever the
    // index has is the journal's. `cached_channels`: at least 1; those that are kept in memory.
    Index(std::string path, const std::vector<Feed>& feeds,
          const std::function<uint64_t()>& journal_end = {},
          size_t cached_channels = kCachedChannels);
    ~Index() override;

    std::string name() const override { return "index"; }
    // A database that is damaged is set aside as `path`.broken, one of another version deleted:
    // then it is an empty one, and 0. So it is where the first one to be opened is ahead of where
    // the journal ended: it is of a journal that is lost, and is set aside as `path`.old. (Later
    // ones are not: a journal that cannot write may be behind for a while.)
    uint64_t open() override;
    // Throws std::logic_error where the entry's seq is not above applied_seq(), or it is padding.
    void apply(const JournalEntry& entry) override;
    void skip(uint64_t from_seq, uint64_t to_seq) override;
    void commit() override;
    // Deletes what its feed's retention is over for, a bounded number of events, and commits.
    // (max_events needs no upkeep: it is kept as events come.)
    void tend(uint64_t now_ms) override;

    // Of the newest entry applied, committed or not; 0 while it is not open.
    uint64_t applied_seq() const;

    // The answer to a question, as bytes: HistoryAnswer and its items. On the index's own thread;
    // sees what was applied. Changes nothing. Throws like the others.
    std::string answer(const ring::questions::HistoryQuestion& question) override;

    // Whether the file on disk is no longer the one that is open: deleted or replaced. True while
    // it is not open.
    bool is_gone() const override;

  private:
    template <class Work>
    auto guarded(Work&& work);
    IndexStore& store();
    std::unique_ptr<IndexStore> open_store(bool damaged);
    void close();

    std::string path_;
    const std::vector<Feed>& feeds_;
    ChannelFolders folders_;
    size_t cached_channels_;
    std::optional<uint64_t> journal_end_{};  // until the index was opened
    bool damaged_ = false;                   // found while it was open

    std::unique_ptr<IndexStore> store_{};  // null: not open
    std::unique_ptr<IndexPruner> pruner_{};
    std::unique_ptr<IndexReader> reader_{};
};

}  // namespace herald::sidecar
