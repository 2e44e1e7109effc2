// Reads line by line, waits until each is due, publishes it. What is not answered yet is bounded by
// the outlet.
#include "sidecar/cli/replay.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "sidecar/cli/line_reader.hpp"
#include "sidecar/cli/outlet.hpp"
#include "sidecar/cli/pace.hpp"
#include "sidecar/cli/progress.hpp"
#include "sidecar/cli/records.hpp"

namespace herald::cli {

namespace {

constexpr uint64_t kBadLinesTold = 5;

struct Options {
    std::vector<std::string> paths{};
    std::string speed = "1";
    std::string to{};
    std::string channel{};
    std::string time_member{};
    bool quiet = false;
};

struct Files {
    std::vector<std::string> paths{};
    uint64_t bytes = 0;
};

// Before anything is published: every file can be read, and says where its events go.
Files check_files(const Options& options) {
    Files files{files_of(options.paths)};
    for (const std::string& path : files.paths) {
        files.bytes += LineReader(path).size();
        if (options.channel.empty() && format_of(path) == Format::Objects)
            throw CLI::ValidationError(
                path + " is no journal but has JSON objects: --channel says where to publish them");
    }
    return files;
}

class Replay {
  public:
    Replay(const Options& options, double speed, Files files, const sidecar::RedisUrl& redis);

    // Returns the exit code.
    int run();

  private:
    bool play(const std::string& file);
    bool publish(const LineReader& reader, const std::string& file, const Record& record);
    void tell_bad(const LineReader& reader, const char* problem);
    void tell_untimed(const std::string& file);
    int end();
    void show();
    double elapsed_s() const { return static_cast<double>(uv_hrtime() - start_ns_) / 1e9; }

    const Options& options_;
    const bool paced_;
    Pace pace_;
    const Files files_;
    Progress progress_;
    Outlet outlet_;

    uint64_t start_ns_;  // set anew with the first event
    uint64_t due_ns_ = 0;
    bool started_ = false;
    uint64_t bytes_before_ = 0;  // of the files before
    uint64_t bytes_here_ = 0;
    uint64_t notices_ = 0;
    uint64_t bad_lines_ = 0;
    bool broken_ = false;  // a file could not be read to its end
};

Replay::Replay(const Options& options, double speed, Files files, const sidecar::RedisUrl& redis)
    : options_(options),
      paced_(options.speed != "max"),
      pace_(speed),
      files_(std::move(files)),
      progress_(options.quiet),
      outlet_(redis, [this] { show(); }),
      start_ns_(uv_hrtime()) {}

int Replay::run() {
    try {
        for (const std::string& file : files_.paths) {
            if (!play(file))
                break;
        }
        outlet_.drain();
    } catch (const std::exception& error) {
        progress_.say(error.what());
        broken_ = true;
    }
    const int status = end();
    if (broken_ || !outlet_.breathe())
        leave(status);
    return status;
}

// False once it is over.
bool Replay::play(const std::string& file) {
    LineReader reader(file);
    RecordParser parser(options_.channel, options_.time_member);
    bool first = true;
    std::string_view line;
    for (;;) {
        const LineReader::Read read = reader.next(line);
        if (read == LineReader::Read::End)
            break;
        if (!outlet_.breathe())
            return false;
        const Record record = read == LineReader::Read::Line
                                  ? parser.parse(line)
                                  : Record{.kind = Record::Kind::Bad, .problem = "longer than 32M"};
        switch (record.kind) {
            case Record::Kind::Event:
                if (std::exchange(first, false) && !record.time_us)
                    tell_untimed(file);
                if (!publish(reader, file, record))
                    return false;
                break;
            case Record::Kind::Notice:
                ++notices_;
                break;
            case Record::Kind::Blank:
                break;
            case Record::Kind::Bad:
                tell_bad(reader, record.problem);
                break;
        }
        bytes_here_ = reader.offset();
    }
    bytes_before_ += reader.offset();
    bytes_here_ = 0;
    return true;
}

bool Replay::publish(const LineReader& reader, const std::string& file, const Record& record) {
    if (!std::exchange(started_, true))
        start_ns_ = uv_hrtime();
    if (paced_) {
        due_ns_ = start_ns_ + pace_.due_us(record.time_us) * 1000;
        if (!outlet_.wait_until(due_ns_))
            return false;
    }
    return outlet_.publish(record.channel, record.data, {file, reader.line_number()});
}

void Replay::tell_bad(const LineReader& reader, const char* problem) {
    if (++bad_lines_ <= kBadLinesTold)
        progress_.say(reader.name() + ":" + std::to_string(reader.line_number()) + ": " + problem +
                      "; skipped");
}

void Replay::tell_untimed(const std::string& file) {
    if (!paced_)
        return;
    if (options_.time_member.empty())
        progress_.say(file +
                      ": the first event has no time in ts, timestamp, created_at, time or at: "
                      "nothing waits; --time names another member");
    else
        progress_.say(file + ": the first event has no time in " + options_.time_member);
}

void Replay::show() {
    const uint64_t now = uv_hrtime();
    ProgressState state;
    state.events = outlet_.sent();
    state.bytes = bytes_before_ + bytes_here_;
    state.total_bytes = files_.bytes;
    state.elapsed_s = elapsed_s();
    state.waiting_s = due_ns_ > now ? static_cast<double>(due_ns_ - now) / 1e9 : 0;
    progress_.update(state);
}

int Replay::end() {
    progress_.clear();
    if (bad_lines_ > kBadLinesTold)
        std::fprintf(
            stderr, "%s\n",
            ("and " + std::to_string(bad_lines_ - kBadLinesTold) + " more bad lines").c_str());
    const bool failed = outlet_.signal() == 0 && !outlet_.failure().empty();
    if (failed)
        std::fprintf(stderr, "%.*s:%llu: %s\n", static_cast<int>(outlet_.failed_at().file.size()),
                     outlet_.failed_at().file.data(),
                     static_cast<unsigned long long>(outlet_.failed_at().line),
                     outlet_.failure().c_str());
    const std::string summary = format_summary({.events = outlet_.sent(),
                                                .notices = notices_,
                                                .bad_lines = bad_lines_,
                                                .unanswered = outlet_.unanswered(),
                                                .elapsed_s = elapsed_s()});
    const bool stopped = failed || broken_ || outlet_.signal() != 0;
    std::fprintf(stderr, "%s%s\n", stopped ? "stopped: " : "", summary.c_str());
    if (outlet_.signal() != 0)
        return 128 + outlet_.signal();
    return stopped || bad_lines_ > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int replay(const Options& options) {
    const auto speed = parse_speed(options.speed);
    if (!speed)
        throw CLI::ValidationError(
            "--speed: expected max or a number above 0, such as 2 or 0.5; not " + options.speed);
    if (!options.channel.empty())
        check_channel("--channel", options.channel);
    const sidecar::RedisUrl redis = redis_target(options.to);
    return Replay(options, *speed, check_files(options), redis).run();
}

}  // namespace

void add_replay(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "replay", "publish a journal, or a file of JSON objects, again at its own pace");
    auto options = std::make_shared<Options>();
    command->add_option("FILE", options->paths, "journals, their directories, or JSONL files")
        ->required();
    command->add_option("--speed", options->speed,
                        "1: as it was, 2: twice as fast, 0.5: half; max: no waiting");
    command->add_option("--to", options->to,
                        "redis://... ($REDIS_URL keeps a password out of the process list)");
    command->add_option("--channel", options->channel,
                        "where to publish; a journal has channels of its own");
    command->add_option("--time", options->time_member, "the JSON member with an object's time");
    command->add_flag("-q,--quiet", options->quiet, "show no progress");
    command->callback([options, &status] { status = replay(*options); });
}

}  // namespace herald::cli
