// One [[view]] table of herald.toml.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/feed.hpp"

namespace herald::sidecar {

// What a view makes of its events.
enum class ViewKind {
    Jobs,  // jobs by status and by farm, from job.created, job.updated and job.removed
    Runs,  // how the newest runs went, from run.created, run.updated and run.removed
};

struct ViewConfig {
    std::string name;
    ViewKind kind = ViewKind::Jobs;
    ChannelPattern channels;           // whose events it is made of
    uint64_t max_records = 1'000'000;  // jobs or runs that it keeps
    uint64_t recent = 10;              // of Runs: how many of the newest it is about
};

}  // namespace herald::sidecar
