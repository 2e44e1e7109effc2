// The configured views ([[view]]) between the loop, where they are asked, and their thread, where
// they are made (event_views.hpp). To answer costs the same however much is in a view: the loop
// takes the document that was published last.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "sidecar/projection_thread.hpp"
#include "sidecar/views/event_views.hpp"
#include "sidecar/views/view.hpp"
#include "sidecar/views/view_config.hpp"

namespace herald::sidecar {

class EventViewService final : private ProjectionThread::Visitor {
  public:
    // Starts at once. `state`: the state directory. `configs` and `segments` outlive it. `log` and
    // `journal_end`: of the journal, as the start has found it.
    EventViewService(const std::string& state, const std::vector<ViewConfig>& configs,
                     Segments& segments, uint32_t log, uint64_t journal_end);

    // Adds the views by their names.
    void add_to(Views& views);

    // As EventViews has it: the journal may go behind this one.
    uint64_t kept_seq() const { return views_.kept_seq(); }

  private:
    class Entrance final : public View {
      public:
        Entrance(EventViewService& service, size_t place) : service_(service), place_(place) {}
        // GET: what was published last. Flush: the same, and the view is made anew meanwhile.
        void ask(ViewRequest request, Answered answered) override;

      private:
        EventViewService& service_;
        size_t place_;
    };

    bool visit() override;

    const std::vector<ViewConfig>& configs_;
    const Segments& segments_;
    EventViews views_;
    uint64_t visited_seq_ = UINT64_MAX;  // of the thread
    std::deque<Entrance> entrances_{};
    ProjectionThread thread_;  // last: it goes first
};

}  // namespace herald::sidecar
