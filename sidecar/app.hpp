// The sidecar as a whole: its parts, wired in the order in which data meets them.
#pragma once

#include "sidecar/config.hpp"

namespace herald::sidecar {

// Runs until SIGTERM or SIGINT. Throws std::runtime_error or std::system_error where it cannot
// start.
void run_sidecar(const Config& config);

}  // namespace herald::sidecar
