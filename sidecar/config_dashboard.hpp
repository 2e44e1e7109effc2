// The [dashboard] table of herald.toml; a part of config.cpp.
#pragma once

#include <optional>

#include "sidecar/toml_reader.hpp"
#include "sidecar/views/dashboard_config.hpp"

namespace herald::sidecar {

// Nothing where `value` is null. Adds what is wrong to `problems`.
std::optional<DashboardConfig> read_dashboard(const toml::value* value, Problems& problems);

}  // namespace herald::sidecar
