// The ingest runs that a registry file holds: one state of it, which never changes, and what tells
// two states apart. Plain data, for any thread.
//
// A registry is a JSON array of runs, or an object with such an array as its `runs`:
//
//   {"id" (or "run_id"): …, "started_at": …, "completed_at": …,
//    "report": {"processed": [{"path","bucket","key","media_info":{…}}], "invalid": [[path,
//    reason]]}}
//
// Each run becomes the object that clients see, with the ends, the state and the counts that follow
// from it. What is no run, or has no id, is left out, as are parts of reports that lack something;
// of runs with one id the first counts. A file that is none of the two says nothing at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace herald::sidecar {

struct IngestRun {
    std::string id{};
    int64_t started_us = INT64_MIN;  // microseconds since 1970; the smallest: unknown
    std::string text{};  // the object as JSON, on one line; empty: unknown, see RunTable
};
using RunPtr = std::shared_ptr<const IngestRun>;

class RunSnapshot {
  public:
    // `runs`: in the file's order.
    explicit RunSnapshot(std::vector<RunPtr> runs = {});

    // By the time of their start; those that began together in the file's order.
    const std::vector<RunPtr>& newest_first() const { return newest_first_; }
    // nullptr: there is none.
    const RunPtr* find(std::string_view id) const;

  private:
    std::vector<RunPtr> newest_first_{};
    std::unordered_map<std::string_view, RunPtr> by_id_{};  // keys are in the runs
};

struct ReadRegistry {
    std::shared_ptr<const RunSnapshot> runs{};  // nullptr: see `wrong`
    size_t left_out = 0;                        // entries that are no runs, or repeats
    std::string wrong{};                        // with the file as a whole, and what would be right
};

// Runs that are as in `before` are the same objects.
ReadRegistry read_registry(std::string_view file, const RunSnapshot& before);

struct RunChange {
    enum class Kind { Created, Updated, Removed };
    Kind kind;
    RunPtr run;  // of Removed: as it was
};

// Created ones come first, in the order in which they began; then updated ones, then removed ones.
std::vector<RunChange> changes_between(const RunSnapshot& before, const RunSnapshot& after);

// {"event": "run.created", "run": {…}}
std::string message_of(const RunChange& change);

}  // namespace herald::sidecar
