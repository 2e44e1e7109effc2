// Reads a file that somebody else writes. May block, so it belongs on a thread.
#pragma once

#include <string>

namespace herald::sidecar {

// Nothing but the start of a file: up to one byte more than `limit`. `error` says why there is
// none; only plain files are read, so that a pipe cannot hold the thread for ever.
std::string read_small_file(const std::string& path, size_t limit, std::string& error);

}  // namespace herald::sidecar
