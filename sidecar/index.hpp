// The index: a SQLite database (state/index.db, WAL) with the events by channel, which answers
// history. A projection of the journal: when it is deleted, it is built again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/projection.hpp"

namespace herald::sidecar {

class Index final : public Projection {
  public:
    // `path`: of the database. `feeds`: outlives the index; says the time member, retention and
    // max_events of a channel.
    Index(std::string path, const std::vector<Feed>& feeds);
    ~Index() override;

    std::string name() const override { return "index"; }
    uint64_t open() override;
    void apply(const JournalEntry& entry) override;
    void skip(uint64_t from_seq, uint64_t to_seq) override;
    void commit() override;
    void tend(uint64_t now_ms) override;

    uint64_t applied_seq() const;  // of the newest entry applied, committed or not

    // The answer to a question, as bytes: HistoryAnswer and its items. On the index's own thread;
    // sees what was applied. Throws like the others.
    std::string answer(const ring::questions::HistoryQuestion& question);

    // Whether the file on disk is no longer the one that is open: deleted or replaced.
    bool is_gone() const;

  private:
    struct Store;  // the database and its prepared statements
    std::string path_;
    const std::vector<Feed>& feeds_;
    std::unique_ptr<Store> store_;
};

}  // namespace herald::sidecar
