// `herald`: its subcommands and their options.
#pragma once

namespace herald::sidecar {

// What main() is. Returns the exit code: 0 for a clean end, 1 where the configuration is wrong or
// the command could not do its work, 2 for a command line that makes no sense.
int command_line(int argc, char** argv);

}  // namespace herald::sidecar
