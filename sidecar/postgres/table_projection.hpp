// One feed's table in PostgreSQL, as a projection of the journal: each event of the feed is a row,
// once (docs/operations.md, PostgreSQL).
//
// Rows are gathered and written by `commit`, in one transaction with the checkpoint. That is a row
// of a table of ours, and is moved by compare-and-set: should a transaction whose end nobody has
// heard of have been committed, the next one finds the checkpoint moved, and starts behind it.
// So there is no moment, whoever is killed in it, that costs a row or writes one twice.
//
// Whatever fails is thrown, and `open` begins anew from the checkpoint; rows are not kept, they are
// in the journal. Only a row that the table will never take must not hold the others up: it is
// found by halving, and goes to the dead letters.
//
// Lives on its projection's thread, which may wait for the server as long as it likes: never on the
// loop, so that neither building rows nor waiting for them costs an event any time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/log.hpp"
#include "sidecar/postgres/config.hpp"
#include "sidecar/postgres/database.hpp"
#include "sidecar/postgres/dead_letters.hpp"
#include "sidecar/postgres/history_schema.hpp"
#include "sidecar/postgres/row_builder.hpp"
#include "sidecar/postgres/table_figures.hpp"
#include "sidecar/postgres/table_past.hpp"
#include "sidecar/projection.hpp"

namespace herald::sidecar::postgres {

// The journal as a checkpoint knows it.
struct JournalPlace {
    uint32_t log = 0;
    std::vector<uint32_t> past_logs{};  // whose seqs it goes on with
    uint64_t end = 0;                   // the seq behind which its next entry comes
};

class TableProjection final : public Projection {
  public:
    // `feed` has a table. The references outlive the projection.
    TableProjection(const Feed& feed, const PostgresConfig& config, Database& database,
                    DeadLetters& dead_letters, const JournalPlace& journal);

    std::string name() const override { return "postgres/" + feed_.name; }
    Niceness niceness() const override {
        return feed_.table->history ? Niceness::Soon : Niceness::Eventually;  // polls wait for it
    }
    uint64_t open() override;
    void apply(const JournalEntry& entry) override;
    void skip(uint64_t from_seq, uint64_t to_seq) override;
    // Rows at once, a checkpoint alone now and then. Does nothing once the end has come.
    void commit() override;
    void tend(uint64_t) override {}

    // -- any thread
    TableFigures figures() const;  // without `seq`, which the thread knows
    // Nothing: the table has no history, or is not known to fit.
    std::optional<HistorySchema> history_schema() const;

  private:
    using Clock = std::chrono::steady_clock;

    struct Row {
        uint64_t seq = 0;
        uint32_t log = 0;
        size_t begin = 0;  // in `text_`
        size_t end = 0;    // the comma behind it is not its own
    };

    template <class Work>
    void guarded(Work&& work);
    void note_failure(const std::string& reason);
    void forget_rows();

    // -- opening
    void make_checkpoints();
    void open_history();
    void set_schema(std::optional<HistorySchema> schema);
    uint64_t load_checkpoint();

    // -- writing
    void write(bool careful);
    void begin();
    void insert(size_t first, size_t last);
    bool try_insert(size_t first, size_t last, Error* refusal);
    void insert_carefully(size_t first, size_t last, std::string& dead);
    void advance_history();
    void refuse(const Row& row, const Error& error, std::string& dead);
    template <class Step>
    void in_batches(Step&& step);
    void count_rows();

    const Feed& feed_;
    const PostgresConfig& config_;
    Database& database_;
    DeadLetters& dead_letters_;
    JournalPlace journal_;
    bool opened_ = false;      // once, which has held the checkpoint against the journal's end
    std::string table_;        // quoted
    std::string checkpoints_;  // quoted
    std::string insert_;       // the statement
    RowBuilder builder_;
    std::optional<TablePast> past_{};  // only where the table has history
    bool warned_ = false;              // that it has no index

    std::unique_ptr<Connection> connection_{};
    std::vector<Row> rows_{};
    std::string text_{};           // of the rows, with commas in between
    uint64_t checkpoint_seq_ = 0;  // as the database has it
    uint64_t applied_seq_ = 0;
    Clock::time_point checkpointed_at_{};

    bool failing_ = false;
    uint64_t inserted_ = 0;        // rows in the transaction
    uint64_t dead_ = 0;            // rows kept aside in it
    uint64_t first_position_ = 0;  // of the rows in it
    uint64_t last_position_ = 0;
    log::Limit refusals_{1};

    mutable std::mutex mutex_{};
    std::optional<HistorySchema> schema_{};
    TableFigures figures_{};  // `error` is what was thrown last
};

}  // namespace herald::sidecar::postgres
