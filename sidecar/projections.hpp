// All that is made of the journal, on threads of their own, and the journal's pruning behind the
// slowest of them.
#pragma once

#include <optional>

#include "sidecar/config.hpp"
#include "sidecar/history_service.hpp"
#include "sidecar/index.hpp"
#include "sidecar/ingest/ingest_registry.hpp"
#include "sidecar/journal.hpp"
#include "sidecar/jsonl_files.hpp"
#include "sidecar/own_events.hpp"
#include "sidecar/postgres/tables.hpp"
#include "sidecar/projection_thread.hpp"
#include "sidecar/uv.hpp"
#include "sidecar/views/event_view_service.hpp"
#include "sidecar/views/view.hpp"
#include "sidecar/webhooks/webhooks.hpp"

namespace herald::sidecar {

class Projections {
  public:
    // Starts them. The references outlive the projections.
    Projections(uv_loop_t* loop, const Config& config, Journal& journal, OwnEvents& events);

    HistoryService& history() { return history_; }
    std::vector<PolledPast*> pasts() const { return tables_.pasts(); }  // not the index's
    void add_to(Views& views);

  private:
    void prune() noexcept;

    Journal& journal_;
    Index index_;
    HistoryService history_;
    JsonlFiles files_;
    std::optional<ProjectionThread> files_thread_{};
    std::optional<IngestRegistry> ingest_{};
    std::optional<EventViewService> views_{};
    postgres::Tables tables_;
    std::optional<Webhooks> webhooks_{};
    Handle<uv_timer_t> prune_;
};

}  // namespace herald::sidecar
