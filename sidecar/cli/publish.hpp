// `herald publish CHANNEL JSON`: publishes one event, or each line of standard input.
#pragma once

namespace CLI {
class App;
}

namespace herald::cli {

// As add_replay.
void add_publish(CLI::App& app, int& status);

}  // namespace herald::cli
