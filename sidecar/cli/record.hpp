// `herald record URL --output FILE` and `herald tail URL`: what a stream says, a line an event.
#pragma once

namespace CLI {
class App;
}

namespace herald::cli {

// As add_replay.
void add_record(CLI::App& app, int& status);
void add_tail(CLI::App& app, int& status);

}  // namespace herald::cli
