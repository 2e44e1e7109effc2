// The [[view]] tables of herald.toml; a part of config.cpp.
#pragma once

#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/toml_reader.hpp"
#include "sidecar/views/view_config.hpp"

namespace herald::sidecar {

// Appends the views that are right to `views`, which is empty, and adds what is wrong to
// `problems`. `value`: of the key `view`, or null: there need be none. `feeds`: those that are
// right.
void read_views(const toml::value* value, const std::vector<Feed>& feeds,
                std::vector<ViewConfig>& views, Problems& problems);

}  // namespace herald::sidecar
