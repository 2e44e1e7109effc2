#include "sidecar/postgres/tables.hpp"

#include <algorithm>

#include "sidecar/postgres/libpq.hpp"
#include "sidecar/postgres/table_history.hpp"
#include "sidecar/projection_thread.hpp"

namespace herald::sidecar::postgres {

struct Tables::Table {
    Table(uv_loop_t* loop, const Feed& feed, const Config& config, const PostgresConfig& reading,
          const Interrupt& interrupt, DeadLetters& dead_letters, const JournalPlace& journal,
          Segments& segments)
        : database(config.postgres, interrupt),
          reads(reading, interrupt),
          projection(feed, config.postgres, database, dead_letters, journal),
          history(feed.table->history ? std::make_unique<TableHistory>(loop, feed, reading, reads,
                                                                       segments, config.state)
                                      : nullptr),
          thread(projection, segments, history.get()) {
        if (history)
            history->start([this] {
                return HistoryProgress{thread.committed_seq(), thread.is_failing(),
                                       projection.history_schema()};
            });
    }
    ~Table() {
        if (history)
            history->stop();
    }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    Libpq database;
    Libpq reads;
    TableProjection projection;
    std::unique_ptr<TableHistory> history;  // which the projection's thread visits
    ProjectionThread thread;
};

Tables::Tables(uv_loop_t* loop, const Config& config, const JournalPlace& journal,
               Segments& segments)
    : reading_(reading_config(config.postgres)),
      dead_letters_(config.state),
      view_([this] { return figures(); }, segments) {
    for (const Feed& feed : config.feeds) {
        if (feed.table)
            tables_.push_back(std::make_unique<Table>(loop, feed, config, reading_, interrupt_,
                                                      dead_letters_, journal, segments));
    }
}

Tables::~Tables() {
    interrupt_.stop();
}

void Tables::add_to(Views& views) {
    if (!tables_.empty())
        views.add("postgres", view_);
}

std::vector<TableFigures> Tables::figures() const {
    std::vector<TableFigures> all;
    for (const auto& table : tables_) {
        TableFigures figures = table->projection.figures();
        figures.seq = table->thread.committed_seq();
        figures.failing = table->thread.is_failing();
        all.push_back(std::move(figures));
    }
    return all;
}

std::vector<PolledPast*> Tables::pasts() const {
    std::vector<PolledPast*> all;
    for (const auto& table : tables_) {
        if (table->history)
            all.push_back(table->history.get());
    }
    return all;
}

uint64_t Tables::committed_seq() const {
    uint64_t seq = UINT64_MAX;
    for (const auto& table : tables_)
        seq = std::min(seq, table->thread.committed_seq());
    return seq;
}

}  // namespace herald::sidecar::postgres
