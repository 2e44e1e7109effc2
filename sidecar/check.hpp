// `herald check`: says whether a configuration is right, and what each feed does.
#pragma once

#include <string>

#include "sidecar/feed.hpp"
#include "sidecar/ingest/ingest_config.hpp"
#include "sidecar/views/view_config.hpp"

namespace herald::sidecar {

// Prints the summaries and returns the exit code of a good file. Throws ConfigError.
int check(const std::string& file);

// One line: "feed runs: run:{id} (PSUBSCRIBE run:*), events named by type, ends on 2 names".
std::string summary_of(const Feed& feed);
// "view render: jobs of trafalgar:render, at most 1000000 kept".
std::string summary_of(const ViewConfig& view);
// "ingest: runs of /srv/ingest_runs.json, told on trafalgar:ingest".
std::string summary_of(const IngestConfig& ingest);

}  // namespace herald::sidecar
