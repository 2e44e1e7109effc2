// The tables of all feeds that have one, each a projection with a thread and a connection of its
// own: what holds one table up holds up no other. Where a table answers history as well, that has
// another thread and connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sidecar/config.hpp"
#include "sidecar/polled_past.hpp"
#include "sidecar/postgres/dead_letters.hpp"
#include "sidecar/postgres/interrupt.hpp"
#include "sidecar/postgres/table_projection.hpp"
#include "sidecar/postgres/tables_view.hpp"
#include "sidecar/segments.hpp"

namespace herald::sidecar::postgres {

class Tables {
  public:
    // Starts the threads. The references outlive the tables. Throws std::system_error.
    Tables(uv_loop_t* loop, const Config& config, const JournalPlace& journal, Segments& segments);
    // Waits at most about a second for what is being written.
    ~Tables();
    Tables(const Tables&) = delete;
    Tables& operator=(const Tables&) = delete;

    // The view `postgres`, where there is a table.
    void add_to(Views& views);

    // Those that answer polls. They live as long as the tables.
    std::vector<PolledPast*> pasts() const;

    // Of the slowest table, for the journal's pruning; UINT64_MAX where there is none.
    uint64_t committed_seq() const;

  private:
    struct Table;

    std::vector<TableFigures> figures() const;

    PostgresConfig reading_;
    Interrupt interrupt_{};
    DeadLetters dead_letters_;
    std::vector<std::unique_ptr<Table>> tables_{};
    TablesView view_;
};

}  // namespace herald::sidecar::postgres
