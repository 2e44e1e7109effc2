// Everything that can be wrong is found before the output is emptied.
#include "sidecar/cli/record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "sidecar/cli/recorder.hpp"
#include "sidecar/quantities.hpp"

namespace herald::cli {

namespace {

struct Options {
    std::string url{};
    std::string token{};
    std::string token_file{};
    std::string ca{};
    std::string output{};
    bool append = false;
    std::string time{};
    RecorderOptions recorder{};
};

StreamOptions stream_options(const Options& options) {
    Endpoint endpoint;
    try {
        endpoint = parse_endpoint(options.url);
    } catch (const std::invalid_argument& error) {
        throw CLI::ValidationError(std::string("URL ") + error.what());
    }
    if (!options.ca.empty() && access(options.ca.c_str(), R_OK) != 0)
        throw std::system_error(errno, std::generic_category(), "--ca " + options.ca);
    return {endpoint, options.ca, Bearer(options.token, options.token_file)};
}

RecorderOptions recorder_options(const Options& options) {
    RecorderOptions recorder = options.recorder;
    if (options.time.empty())
        return recorder;
    recorder.limit_ms = sidecar::parse_duration(options.time);
    if (!recorder.limit_ms)
        throw CLI::ValidationError("--for: expected a time of 1s to 36500d, such as 90s or 12h");
    return recorder;
}

int record(const Options& options) {
    RecorderOptions recorder = recorder_options(options);
    recorder.live_line = !recorder.quiet && TerminalLine::is_terminal();
    StreamOptions stream = stream_options(options);
    const Interrupt interrupt;
    EventFile file(options.output, options.append, interrupt);
    return Recorder(std::move(stream), std::move(recorder), file, interrupt).run();
}

int tail(const Options& options) {
    RecorderOptions recorder = recorder_options(options);
    // On one terminal with the events it would be in their way.
    recorder.live_line =
        !recorder.quiet && TerminalLine::is_terminal() && isatty(STDOUT_FILENO) == 0;
    recorder.only_json = false;
    recorder.verb = "received";
    StreamOptions stream = stream_options(options);
    const Interrupt interrupt;
    EventFile file(sidecar::Fd(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)), "standard output",
                   interrupt);
    return Recorder(std::move(stream), std::move(recorder), file, interrupt).run();
}

void add_common(CLI::App& command, Options& options) {
    command.add_option("URL", options.url, "http, https: server-sent events; ws, wss: WebSocket")
        ->required();
    auto* token = command.add_option("--token", options.token,
                                     "shown as Authorization: Bearer; everybody on the machine can "
                                     "see it: better --token-file");
    command
        .add_option("--token-file", options.token_file,
                    "a file with the token, or env:NAME: a variable of the environment")
        ->excludes(token);
    command.add_option("--ca", options.ca, "PEM file: whom to trust in place of the system's list");
    command
        .add_option("--until", options.recorder.until,
                    "stop behind an event of this name; may be given again")
        ->allow_extra_args(false);
    command.add_option("--count", options.recorder.count, "stop behind so many events")
        ->check(CLI::PositiveNumber);
    command.add_option("--for", options.time, "stop after this time, such as 90s or 12h");
    command.add_flag("--with-gaps", options.recorder.with_gaps, "write gap events, too");
    command.add_flag("--all", options.recorder.all, "write greetings, gaps and keepalives, too");
    command.add_flag("-q,--quiet", options.recorder.quiet, "tell nothing of connections");
}

}  // namespace

void add_record(CLI::App& app, int& status) {
    CLI::App* command =
        app.add_subcommand("record", "write a stream's events into a file, a line each");
    auto options = std::make_shared<Options>();
    add_common(*command, *options);
    command->add_option("-o,--output", options->output, "the file; it is made, or emptied")
        ->required();
    command->add_flag("--append", options->append, "keep what is in the file");
    command->callback([options, &status] { status = record(*options); });
}

void add_tail(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand("tail", "show a stream's events as they come");
    auto options = std::make_shared<Options>();
    add_common(*command, *options);
    const std::map<std::string, EventFormat> formats = {
        {"data", EventFormat::Data}, {"sse", EventFormat::Sse}, {"json", EventFormat::Json}};
    command
        ->add_option("--format", options->recorder.format,
                     "data: a line each; json: with id and name; sse: as it is on the wire")
        ->transform(CLI::CheckedTransformer(formats));
    command->callback([options, &status] { status = tail(*options); });
}

}  // namespace herald::cli
