#include "sidecar/command_line.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sidecar/app.hpp"
#include "sidecar/check.hpp"
#include "sidecar/cli/publish.hpp"
#include "sidecar/cli/record.hpp"
#include "sidecar/cli/replay.hpp"
#include "sidecar/cli/token.hpp"
#include "sidecar/config.hpp"

namespace herald::sidecar {

int command_line(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a file that gets too large is an error like others

    CLI::App app("Herald: from Redis to browsers through nginx", "herald");
    app.set_version_flag("--version", "herald " HERALD_VERSION);
    app.require_subcommand(1);
    std::string file;
    CLI::App* sidecar = app.add_subcommand("sidecar", "run the sidecar");
    sidecar->add_option("-c,--config", file, "the configuration, a herald.toml")->required();
    CLI::App* checker = app.add_subcommand("check", "say whether a configuration is right");
    checker->add_option("FILE", file, "the configuration, a herald.toml")->required();
    int status = EXIT_SUCCESS;
    cli::add_publish(app, status);
    cli::add_replay(app, status);
    cli::add_record(app, status);
    cli::add_tail(app, status);
    cli::add_token(app, status);

    try {
        app.parse(argc, argv);
        if (sidecar->parsed())
            run_sidecar(load_config(file));
        if (checker->parsed())
            return check(file);
        return status;
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

}  // namespace herald::sidecar
