// What the environment says of the dashboard: it wins over herald.toml.
//
//   ONEPIECE_DASHBOARD_CACHE_TTL            seconds, also with a fraction; 0: nothing is kept
//   ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS    of a bucket; 0: as many as there may be at all
//   ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS   the same
//   ONEPIECE_DASHBOARD_PROJECT_REGISTRY     a file
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sidecar/views/dashboard_config.hpp"

namespace herald::sidecar {

// The value of a variable; null where it is not set. Empty counts as not set.
using Environment = std::function<const char*(const char* name)>;

// Changes the cache's settings. Values out of bounds become the nearest, texts that are no numbers
// change nothing; `warnings` says so, a line for each.
void apply_environment(const Environment& environment, DashboardConfig& dashboard,
                       std::vector<std::string>& warnings);

// Where the project registry's file is: the variable, else the key `projects`, else below
// $XDG_CACHE_HOME, else below $HOME/.cache, else below `state`.
std::string registry_path(const Environment& environment, const DashboardConfig& dashboard,
                          const std::string& state);

}  // namespace herald::sidecar
