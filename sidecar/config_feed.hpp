// The [[feed]] tables of herald.toml; a part of config.cpp.
#pragma once

#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/toml_reader.hpp"

namespace herald::sidecar {

// Appends the feeds that are right to `feeds`, which is empty, and adds what is wrong to
// `problems`. `value`: of the key `feed`, or null.
void read_feeds(const toml::value* value, std::vector<Feed>& feeds, Problems& problems);

}  // namespace herald::sidecar
