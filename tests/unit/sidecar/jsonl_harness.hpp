// Events, a projection of them into a directory of its own, and what its files must then be.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/files.hpp"
#include "sidecar/jsonl_files.hpp"
#include "sidecar/step.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {

struct Published {
    uint64_t seq = 0;
    std::string channel{};
    std::string data{};
    ring::Kind kind = ring::Kind::Event;
};

// A hook at the steps of a test, which goes with it.
class StepHook {
  public:
    explicit StepHook(void (*hook)(const char*)) { g_at_step = hook; }
    ~StepHook() { g_at_step = nullptr; }
    StepHook(const StepHook&) = delete;
    StepHook& operator=(const StepHook&) = delete;
};

class JsonlHarness {
  public:
    JsonlHarness() {
        Feed jobs{.name = "jobs", .channels = ChannelPattern("jobs:{id}")};
        jobs.jsonl = "runs/{id}/events.jsonl";
        Feed silent{.name = "silent", .channels = ChannelPattern("silent:{id}")};
        feeds_ = {jobs, silent};
        limits_.checkpoint_ms = 0;
    }

    std::string state() const { return directory_ / "state"; }
    std::string file(const std::string& id) const {
        return state() + "/runs/" + id + "/events.jsonl";
    }
    std::string content(const std::string& id) const { return read_file(file(id)); }

    JsonlFiles projection() const {
        return JsonlFiles(
            state(), feeds_, fsync_, [this] { return journal_.empty() ? 0 : journal_.back().seq; },
            limits_);
    }

    // Adds an event to the journal: to the channel jobs:ID.
    void publish(const std::string& id, std::string data) {
        journal_.push_back({next_seq_++, "jobs:" + id, std::move(data)});
    }

    static JournalEntry entry(const Published& event) {
        JournalEntry entry;
        entry.kind = event.kind;
        entry.id = {0x7f3a2c01, event.seq};
        entry.channel = event.channel;
        entry.data = event.data;
        return entry;
    }

    // Gives a projection what it has not had, as its thread does; commits after every `batch`.
    void feed(JsonlFiles& files, size_t batch = 1000) const {
        const uint64_t behind = files.open();
        size_t count = 0;
        for (const Published& event : journal_) {
            if (event.seq <= behind)
                continue;
            files.apply(entry(event));
            if (++count % batch == 0) {
                files.commit();
                if (count % (2 * batch) == 0)
                    files.tend(0);
            }
        }
        files.commit();
    }

    // From start to end: a sidecar that starts, catches up and stops.
    void run(size_t batch = 1000) const {
        JsonlFiles files = projection();
        feed(files, batch);
        files.tend(0);
    }

    // Every file as it must be, by its channel's id.
    std::map<std::string, std::string> expected() const {
        std::map<std::string, std::string> files;
        for (const Published& event : journal_) {
            if (event.kind == ring::Kind::Event && event.channel.starts_with("jobs:"))
                files[event.channel.substr(5)] += event.data + "\n";
        }
        return files;
    }

    std::map<std::string, std::string> found() const {
        std::map<std::string, std::string> files;
        for (const auto& run : std::filesystem::directory_iterator(state() + "/runs"))
            files[run.path().filename()] = read_file(run.path() / "events.jsonl");
        return files;
    }

    TemporaryDirectory directory_{};
    std::vector<Feed> feeds_{};
    Fsync fsync_ = Fsync::Never;
    JsonlLimits limits_{};
    std::vector<Published> journal_{};
    uint64_t next_seq_ = 1;
};

}  // namespace herald::sidecar
