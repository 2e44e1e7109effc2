// `herald token`: mints tokens for tests, and says what a token would be allowed and why not.
#pragma once

namespace CLI {
class App;
}

namespace herald::cli {

// As add_replay.
void add_token(CLI::App& app, int& status);

}  // namespace herald::cli
