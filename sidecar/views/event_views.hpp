// The projection of all configured views: gives each event to the summaries of the views whose
// channels it is of, keeps them in a checkpoint, and publishes their documents.
//
//   journal ──▶ summaries ──commit──▶ documents (immutable, for any thread)
//      │            └──every 5 s or more──▶ STATE/views/checkpoint
//      └──from its start──▶ a summary that is made anew ──where it has caught up──▶ replaces the
//      old
//
// A start goes on from the checkpoint; without one, and for a view that is new or has other
// channels, from the journal's start. A view has no document before it is complete for the first
// time. A checkpoint that cannot be written is tried again, and holds up the journal's pruning
// alone.
//
// Lives on its projection's thread but for what says otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/journal_reader.hpp"
#include "sidecar/log.hpp"
#include "sidecar/projection.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/views/summary.hpp"
#include "sidecar/views/view_config.hpp"
#include "sidecar/views/views_checkpoint.hpp"

namespace herald::sidecar {

// The journal that views are made of, as the start has found it.
struct JournalPlace {
    const Segments& segments;  // outlives the views
    uint32_t log = 0;          // of the entries to come
    uint64_t end = 0;          // the seq behind which the next entry comes
};

class EventViews final : public Projection {
  public:
    using Document = std::shared_ptr<const std::string>;

    // `state`: the state directory; what is missing of it is made. `configs` outlives this.
    // `checkpoint_apart`: between checkpoints, at least; they never take more than a twentieth of
    // the thread's time. 0: one comes with each commit.
    EventViews(const std::string& state, const std::vector<ViewConfig>& configs,
               JournalPlace journal,
               std::chrono::milliseconds checkpoint_apart = std::chrono::seconds(5));

    std::string name() const override { return "views"; }
    Niceness niceness() const override { return Niceness::Eventually; }
    uint64_t open() override;
    void apply(const JournalEntry& entry) override;
    void skip(uint64_t from_seq, uint64_t to_seq) override;
    void commit() override;
    void tend(uint64_t now_ms) override;

    // Has a view made anew from the journal; the one that there is stays until then. Does nothing
    // while that is under way. `view`: its place in `configs`.
    void make_anew(size_t view);
    // Goes on with that for a few milliseconds; whether there is more. To be called between slices
    // of entries, while the projection is open.
    bool make_some();
    // The end of the journal has been reached: what there is can be shown.
    void show();

    // -- any thread
    // What the view shows; nullptr: it is not made yet.
    Document document(size_t view) const;
    // Of the newest entry that is in the checkpoint. The journal may go behind this one, and no
    // other: what the checkpoint has not is made of the journal.
    uint64_t kept_seq() const { return kept_seq_.load(std::memory_order_acquire); }
    // Events that no view has understood.
    uint64_t foreign() const { return foreign_.load(std::memory_order_relaxed); }

  private:
    using Clock = std::chrono::steady_clock;

    struct Making {
        JournalReader reader;
        std::unique_ptr<Summary> summary;
    };
    struct Kept {
        const ViewConfig& config;
        std::unique_ptr<Summary> summary{};
        bool complete = false;  // else it waits for `making`
        bool changed = false;   // since its document was published
        std::unique_ptr<Making> making{};
        uint64_t told_forgotten = 0;
    };

    std::optional<ViewsCheckpoint> load(std::string& bytes);
    bool is_of_journal(const ViewsCheckpoint& checkpoint);
    void restore(Kept& kept, const ViewsCheckpoint* checkpoint);
    void take(Kept& kept, Summary& summary, const JournalEntry& entry);
    bool make_some(Kept& kept, Clock::time_point until);
    void publish();
    void tell_forgotten(Kept& kept);
    void checkpoint_if_due();
    void checkpoint();
    uint32_t log_at(uint64_t seq) const;

    const std::string directory_;
    const JournalPlace journal_;
    const std::chrono::milliseconds checkpoint_apart_;
    std::vector<Kept> views_{};

    uint64_t seq_ = 0;             // of the newest entry applied
    bool opened_ = false;          // once
    bool shown_ = false;           // the journal's end was reached since
    bool unkept_ = false;          // there is something that the checkpoint has not
    bool cannot_keep_ = false;     // and told
    Clock::time_point keep_at_{};  // not before, the next checkpoint
    log::Limit complaints_{1};

    std::atomic<uint64_t> kept_seq_{0};
    std::atomic<uint64_t> foreign_{0};

    mutable std::mutex mutex_{};
    std::vector<Document> documents_;  // by view; under `mutex_`
};

}  // namespace herald::sidecar
