// `herald replay FILE ...`: publishes what is in files again, at its own pace.
#pragma once

namespace CLI {
class App;
}

namespace herald::cli {

// Adds the command. It runs while the command line is parsed, and sets `status` to the exit code.
// Throws CLI::ParseError for options that make no sense.
void add_replay(CLI::App& app, int& status);

}  // namespace herald::cli
