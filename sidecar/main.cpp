// `herald`: the command line, and the sidecar's parts wired in the order in which data meets them.
//
// Exit codes: 0 for a clean end, 1 where the configuration is wrong or the sidecar cannot start,
// 2 for a command line that makes no sense.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sidecar/config.hpp"
#include "sidecar/control_server.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/log.hpp"
#include "sidecar/loop.hpp"
#include "sidecar/publisher.hpp"
#include "sidecar/redis_source.hpp"
#include "sidecar/state_directory.hpp"

namespace herald::sidecar {
namespace {

std::vector<std::string> globs_of(const Config& config) {
    std::vector<std::string> globs;
    for (const Feed& feed : config.feeds)
        globs.push_back(feed.channels.glob());
    return globs;
}

int run(const std::string& file) {
    const Config config = load_config(file);
    log::start();

    StateDirectory state(config.state);
    std::vector<uint32_t> past_logs = state.logs();
    std::reverse(past_logs.begin(), past_logs.end());
    const uint32_t log = state.add_log();

    Loop loop;
    {
        Doorbells doorbells;
        Publisher publisher(loop.get(), config, log, std::move(past_logs), doorbells);
        ControlServer control(loop.get(), config.socket, config.allow,
                              {publisher.ring_fd(), publisher.ring_map_size()}, doorbells);
        RedisSource redis(loop.get(), config.redis, globs_of(config), publisher);

        log::info(log::Line("herald ready")
                      .with("socket", config.socket)
                      .with("log", log_name(log))
                      .with("ring", config.ring_size)
                      .with("max_message", config.max_message)
                      .with("feeds", config.feeds.size()));
        const int signal = loop.run_until_signal();
        log::info(log::Line("herald stops").with("signal", signal));
    }
    loop.close();
    return EXIT_SUCCESS;
}

int check(const std::string& file) {
    const Config config = load_config(file);
    std::printf("%s: ok\n", file.c_str());
    for (const Feed& feed : config.feeds) {
        std::string summary = "feed " + log::quote(feed.name) + ": " + feed.channels.text() +
                              " (PSUBSCRIBE " + feed.channels.glob() + "), ";
        summary += feed.event.empty() ? "events without names"
                                      : "events named by " + log::quote(feed.event);
        if (!feed.rename.empty())
            summary += ", " + std::to_string(feed.rename.size()) + " renamed";
        if (feed.log)
            summary += ", logged";
        std::puts(summary.c_str());
    }
    return EXIT_SUCCESS;
}

}  // namespace
}  // namespace herald::sidecar

int main(int argc, char** argv) {
    using namespace herald::sidecar;
    std::signal(SIGPIPE, SIG_IGN);

    CLI::App app("Herald: from Redis to browsers through nginx", "herald");
    app.set_version_flag("--version", "herald " HERALD_VERSION);
    app.require_subcommand(1);
    std::string file;
    CLI::App* sidecar = app.add_subcommand("sidecar", "run the sidecar");
    sidecar->add_option("-c,--config", file, "the configuration, a herald.toml")->required();
    CLI::App* checker = app.add_subcommand("check", "say whether a configuration is right");
    checker->add_option("FILE", file, "the configuration, a herald.toml")->required();

    try {
        app.parse(argc, argv);
        return sidecar->parsed() ? run(file) : check(file);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EXIT_SUCCESS : 2;
    } catch (const ConfigError& error) {
        for (const std::string& message : error.messages())
            std::fprintf(stderr, "%s\n", message.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "herald: %s\n", error.what());
    }
    return EXIT_FAILURE;
}
