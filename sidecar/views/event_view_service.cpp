#include "sidecar/views/event_view_service.hpp"

#include <utility>

namespace herald::sidecar {

EventViewService::EventViewService(const std::string& state, const std::vector<ViewConfig>& configs,
                                   Segments& segments, uint32_t log, uint64_t journal_end)
    : configs_(configs),
      segments_(segments),
      views_(state, configs, {segments, log, journal_end}),
      thread_(views_, segments, this) {}

void EventViewService::add_to(Views& views) {
    for (size_t i = 0; i < configs_.size(); ++i)
        views.add(configs_[i].name, entrances_.emplace_back(*this, i));
}

void EventViewService::Entrance::ask(ViewRequest request, Answered answered) {
    if (!request.item.empty())
        return answered({404, R"({"detail":"The view has no items"})"});
    const EventViews::Document document = service_.views_.document(place_);
    // Where the thread has too much to do, it is not asked again: who flushes can do so later.
    if (request.flush && !service_.thread_.post([&views = service_.views_, place = place_] {
            views.make_anew(place);
        }))
        return answered({503, R"({"detail":"The view is busy"})"});
    if (document == nullptr)
        return answered({503, R"({"detail":"The view is being made"})"});
    answered({200, *document});
}

// On the thread. It is at the journal's end where there is nothing behind what it has, and also
// where a slice has brought nothing: what the journal has lost is not waited for.
bool EventViewService::visit() {
    if (!thread_.is_open() || thread_.is_failing()) {
        visited_seq_ = UINT64_MAX;
        return false;
    }
    const uint64_t seq = thread_.applied_seq();
    if (seq >= segments_.last_seq() || seq == std::exchange(visited_seq_, seq))
        views_.show();
    return views_.make_some();
}

}  // namespace herald::sidecar
