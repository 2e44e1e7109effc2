// The runs as the journal tells them: what a reader of every event on the channel knows by now. At
// the start of the sidecar it says what has been published already.
//
// A projection in a SQLite file of its own, in step with the journal through `kill -9`: the rows
// and the seq up to which they are made are one transaction. Events that the journal loses again
// (a Gap, after a power failure) are taken back as far as they have to be published once more: a
// run that began in them is unknown again, one that changed in them is kept without its text, which
// equals no other.
//
// Lives on its projection's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sidecar/ingest/run_snapshot.hpp"
#include "sidecar/json_scan.hpp"
#include "sidecar/projection.hpp"
#include "sidecar/sqlite.hpp"

namespace herald::sidecar {

class RunTable final : public Projection {
  public:
    // `journal_end`: the seq behind which the journal's next entry comes. A table that is ahead of
    // it is of a journal that is lost, and is made anew.
    RunTable(std::string path, std::string channel, std::function<uint64_t()> journal_end);
    ~RunTable() override;

    std::string name() const override { return "ingest"; }
    uint64_t open() override;
    void apply(const JournalEntry& entry) override;
    void skip(uint64_t from_seq, uint64_t to_seq) override;
    void commit() override;
    void tend(uint64_t now_ms) override;

    // The runs that there are, by what was applied.
    std::shared_ptr<const RunSnapshot> runs();

  private:
    struct Store;
    Store& store();
    template <class Work>
    auto guarded(Work&& work);
    void apply_event(const JournalEntry& entry);

    const std::string path_;
    const std::string channel_;
    const std::function<uint64_t()> journal_end_;
    std::unique_ptr<Store> store_{};
    JsonScanner scanner_{};
    std::string id_{};  // used again
};

}  // namespace herald::sidecar
