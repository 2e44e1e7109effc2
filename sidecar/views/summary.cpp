// Which kind of view is which class.
#include "sidecar/views/summary.hpp"

#include "sidecar/views/jobs_summary.hpp"
#include "sidecar/views/runs_summary.hpp"

namespace herald::sidecar {

std::unique_ptr<Summary> make_summary(const ViewConfig& config) {
    switch (config.kind) {
        case ViewKind::Jobs:
            return std::make_unique<JobsSummary>(config.max_records);
        case ViewKind::Runs:
            return std::make_unique<RunsSummary>(config.max_records, config.recent);
    }
    return nullptr;
}

}  // namespace herald::sidecar
