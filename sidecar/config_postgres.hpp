// [postgres] of herald.toml, and what a [[feed]] says of its table; a part of config.cpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/postgres/config.hpp"
#include "sidecar/toml_reader.hpp"

namespace herald::sidecar {

// `value`: of the key `postgres`, or null. Looks into the environment and the file that `url`
// names.
void read_postgres(const toml::value* value, postgres::PostgresConfig& config, Problems& problems);

// The keys `table`, `columns`, `unique`, `history` and `position`, behind `event` and `dedupe`.
// `part_names`: of the channels, or null where nobody knows them.
void read_table(TableReader& feed_table, const std::vector<std::string>* part_names, Feed& feed,
                Problems& problems);

// Tables need a database, and a database is for tables. `value` as above.
void compare_with_feeds(const toml::value* value, const toml::value* feed_tables,
                        Problems& problems);

}  // namespace herald::sidecar
