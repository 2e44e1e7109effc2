// The view `postgres`: how each table is doing.
//
//   {"tables":[{"feed":"enrichment","table":"enrichment_events","seq":1042,"behind":7,
//     "failing":true,"error":"connection refused","inserted":1030,"repeats":2,"refused":0}]}
#pragma once

#include <functional>
#include <vector>

#include "sidecar/postgres/table_figures.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/views/view.hpp"

namespace herald::sidecar::postgres {

class TablesView final : public View {
  public:
    // `figures` may be called as long as the view lives; `segments` outlives it.
    TablesView(std::function<std::vector<TableFigures>()> figures, const Segments& segments)
        : figures_(std::move(figures)), segments_(segments) {}

    void ask(ViewRequest request, Answered answered) override;

  private:
    std::function<std::vector<TableFigures>()> figures_;
    const Segments& segments_;
};

}  // namespace herald::sidecar::postgres
