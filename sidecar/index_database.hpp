// The index's file: its tables, its version, and what happens to a file that is not right.
#pragma once

#include <string>

#include "sidecar/sqlite.hpp"

namespace herald::sidecar {

// Opens the index at `path`, or makes an empty one. One of another version is deleted first, one
// that is damaged set aside as `path`.broken; both are logged. `damaged`: it is known to be.
// Throws sqlite::Error where the file can neither be used nor replaced.
sqlite::Database open_index_database(const std::string& path, bool damaged);

// Renames the index at `path`, which is not open, to `path`.old, in the place of an older one.
// Throws std::system_error.
void set_index_aside(const std::string& path);

}  // namespace herald::sidecar
