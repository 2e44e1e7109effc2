// The view `runs`: the newest runs, or one by its id, from memory.
//
//   runs            ?limit=1..100 (20)    [{…}, …], the newest first
//   runs/ID                               {…}, or 404
//
// There is nothing to flush: it is what the file says.
#pragma once

#include <memory>

#include "sidecar/ingest/run_snapshot.hpp"
#include "sidecar/views/view.hpp"

namespace herald::sidecar {

class RunsView final : public View {
  public:
    // Until there are runs, which may be none, the answer is 503.
    void show(std::shared_ptr<const RunSnapshot> runs) { runs_ = std::move(runs); }

    void ask(ViewRequest request, Answered answered) override;

  private:
    ViewAnswer answer(const ViewRequest& request) const;
    ViewAnswer list(std::string_view query) const;

    std::shared_ptr<const RunSnapshot> runs_{};
};

}  // namespace herald::sidecar
