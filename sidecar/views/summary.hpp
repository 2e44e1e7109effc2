// What one configured view makes of its events: a document that is kept up to date event by event.
//
// Lives on the thread of its projection (event_views.hpp). Adding up the same events in the same
// order gives the same summary; an event that comes twice in a row changes nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sidecar/views/view_config.hpp"

namespace herald::sidecar {

class Summary {
  public:
    virtual ~Summary() = default;

    // The next event of the view's channels. `data`: one JSON value; `at_ms`: its time of arrival.
    enum class Took {
        Changed,  // the document may be another one
        Same,
        Foreign,  // not an event that it understands; nothing has changed
    };
    virtual Took apply(std::string_view data, uint64_t at_ms) = 0;

    // JSON on one line. Equal summaries give equal bytes.
    virtual std::string document() const = 0;

    // The state as bytes for a checkpoint, appended.
    virtual void save(std::string& out) const = 0;
    // Takes what `save` has given. On a summary that has had no event. False, with the summary in
    // any state, where the bytes contradict themselves.
    virtual bool load(std::string_view bytes) = 0;

    // For the log: the events that it understands.
    virtual std::string_view expects() const = 0;
    // Records that were forgotten because there were more than `max_records`.
    virtual uint64_t forgotten() const = 0;
};

std::unique_ptr<Summary> make_summary(const ViewConfig& config);

}  // namespace herald::sidecar
