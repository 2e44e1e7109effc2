// The [ingest] table of herald.toml; a part of config.cpp.
#pragma once

#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/ingest/ingest_config.hpp"
#include "sidecar/toml_reader.hpp"

namespace herald::sidecar {

// `value`: of the key `ingest`, or null. `feeds`: one of them has to claim the channel. Looks at
// this process's environment for the registry's path.
void read_ingest(const toml::value* value, const std::vector<Feed>& feeds, IngestConfig& ingest,
                 Problems& problems);

}  // namespace herald::sidecar
