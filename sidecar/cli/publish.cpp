// Says nothing where all is well. Lines of standard input go out as they come.
#include "sidecar/cli/publish.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "sidecar/cli/line_reader.hpp"
#include "sidecar/cli/outlet.hpp"
#include "sidecar/cli/records.hpp"

namespace herald::cli {

namespace {

struct Options {
    std::string channel{};
    std::string json{};
    std::string to{};
};

int publish_argument(Outlet& outlet, const Options& options) {
    if (outlet.publish(options.channel, options.json, {}) && outlet.drain())
        return EXIT_SUCCESS;
    if (outlet.signal() == 0)
        std::fprintf(stderr, "herald: %s\n", outlet.failure().c_str());
    leave(outlet.signal() == 0 ? EXIT_FAILURE : 128 + outlet.signal());
}

int publish_lines(Outlet& outlet, const Options& options) {
    // Before it waits for the next lines, the last ones are out.
    LineReader reader(sidecar::Fd(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)), "standard input",
                      [&outlet] { return outlet.drain() && outlet.wait_readable(STDIN_FILENO); });
    sidecar::JsonScanner scanner;
    int status = EXIT_SUCCESS;
    auto complain = [&](uint64_t line, const std::string& what) {
        std::fprintf(stderr, "herald: line %llu: %s\n", static_cast<unsigned long long>(line),
                     what.c_str());
        status = EXIT_FAILURE;
    };

    bool going = true;
    for (std::string_view line; going;) {
        const LineReader::Read read = reader.next(line);
        if (read == LineReader::Read::End)
            break;
        const bool blank = line.find_first_not_of(" \t\r") == line.npos;
        const char* problem = read == LineReader::Read::TooLong ? "longer than 32M"
                              : blank                           ? nullptr
                                                                : json_problem(scanner, line);
        if (problem != nullptr)
            complain(reader.line_number(), std::string(problem) + "; skipped");
        else if (!blank)
            going = outlet.publish(options.channel, line, {{}, reader.line_number()});
    }
    if (outlet.drain())
        return status;
    if (outlet.signal() == 0)
        complain(outlet.failed_at().line, outlet.failure());
    leave(outlet.signal() == 0 ? EXIT_FAILURE : 128 + outlet.signal());
}

int publish(const Options& options) {
    check_channel("CHANNEL", options.channel);
    const bool lines = options.json == "-";
    sidecar::JsonScanner scanner;
    if (const char* problem = lines ? nullptr : json_problem(scanner, options.json))
        throw CLI::ValidationError(std::string("the event is ") + problem +
                                   R"(; expected for example '{"type":"greeting"}', or - for the )"
                                   "lines of standard input");
    Outlet outlet(redis_target(options.to), {});
    return lines ? publish_lines(outlet, options) : publish_argument(outlet, options);
}

}  // namespace

void add_publish(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand("publish", "publish an event");
    auto options = std::make_shared<Options>();
    command->add_option("CHANNEL", options->channel, "where to publish")->required();
    command->add_option("JSON", options->json, "the event; -: each line of standard input is one")
        ->required();
    command->add_option("--to", options->to,
                        "redis://... ($REDIS_URL keeps a password out of the process list)");
    command->callback([options, &status] { status = publish(*options); });
}

}  // namespace herald::cli
