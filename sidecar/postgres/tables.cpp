#include "sidecar/postgres/tables.hpp"

#include <algorithm>

#include "sidecar/postgres/libpq.hpp"
#include "sidecar/projection_thread.hpp"

namespace herald::sidecar::postgres {

struct Tables::Table {
    Table(const Feed& feed, const PostgresConfig& config, const Interrupt& interrupt,
          DeadLetters& dead_letters, const JournalPlace& journal, Segments& segments)
        : database(config, interrupt),
          projection(feed, config, database, dead_letters, journal),
          thread(projection, segments) {}

    Libpq database;
    TableProjection projection;
    ProjectionThread thread;
};

Tables::Tables(const Config& config, const JournalPlace& journal, Segments& segments)
    : dead_letters_(config.state), view_([this] { return figures(); }, segments) {
    for (const Feed& feed : config.feeds) {
        if (feed.table)
            tables_.push_back(std::make_unique<Table>(feed, config.postgres, interrupt_,
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

uint64_t Tables::committed_seq() const {
    uint64_t seq = UINT64_MAX;
    for (const auto& table : tables_)
        seq = std::min(seq, table->thread.committed_seq());
    return seq;
}

}  // namespace herald::sidecar::postgres
