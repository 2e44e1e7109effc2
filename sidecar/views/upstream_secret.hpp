// A secret (sidecar/secret.hpp) that goes into a header of a request. It is read when it is used,
// so that a file can be replaced while the sidecar runs.
#pragma once

#include <string>

namespace herald::sidecar {

// One line of visible characters without spaces at its ends, of at most 8192 bytes. Empty where
// there is none, and `error` says why, without a byte of it. `where`: env:NAME or file:PATH. Reads
// a file, so it belongs on a thread.
std::string read_header_secret(const std::string& where, std::string& error);

}  // namespace herald::sidecar
