// How the newest runs went:
//
//   {"event":"run.updated","run":{"id":"run-7","started_at":"2024-05-08T09:12:00+00:00",
//    "completed_at":"2024-05-08T09:30:00+00:00","status":"completed","report":{"invalid_count":0,…}}}
//   {"counts":{"total":10,"successful":9,"failed":1,"running":0},
//    "last_success_at":"2024-05-08T09:30:00+00:00","failure_streak":0}
//
// It is about the `recent` runs that started last. A run that is completed was successful where
// nothing in it was invalid, else it failed; any other one is running. The streak counts failures
// from the newest run on until the first one that is none. `last_success_at` is the latest
// completion of a successful one.
//
// run.created and run.updated mean the same: the run is as they say; what they do not say stays as
// it was. A run that does not say when it started did so when it was heard of. run.removed takes a
// run away. Beyond `max_records` the run whose last event was the longest ago is forgotten.
#pragma once

#include <compare>
#include <set>

#include "sidecar/json_scan.hpp"
#include "sidecar/views/record_table.hpp"
#include "sidecar/views/summary.hpp"

namespace herald::sidecar {

class RunsSummary final : public Summary {
  public:
    RunsSummary(uint64_t max_records, uint64_t recent)
        : max_records_(max_records), recent_(recent) {}

    Took apply(std::string_view data, uint64_t at_ms) override;
    std::string document() const override;
    void save(std::string& out) const override;
    bool load(std::string_view bytes) override;
    std::string_view expects() const override;
    uint64_t forgotten() const override { return forgotten_; }

  private:
    static constexpr int64_t kNever = INT64_MIN;

    struct Run {
        int64_t started_us = 0;         // since 1970
        int64_t completed_us = kNever;  // likewise; kNever: it does not say when
        bool completed = false;
        bool invalid = false;  // something in it was

        bool operator==(const Run&) const = default;
    };
    using Runs = RecordTable<Run>;
    struct Start {
        int64_t started_us = 0;
        RecordKey key{};  // puts runs of one moment into an order
        auto operator<=>(const Start&) const = default;
    };

    Took keep(const RecordKey& key, std::string_view run, uint64_t at_ms);
    void read_completion(Run& run);
    void read_report(Run& run, std::string_view report);
    void remove(Runs::Number number);
    Start start_of(Runs::Number number) const {
        return {runs_.value(number).started_us, runs_.key(number)};
    }

    const uint64_t max_records_;
    const uint64_t recent_;
    Runs runs_{};
    std::set<Start> starts_{};  // of all runs
    uint64_t forgotten_ = 0;

    JsonScanner scanner_{};  // used again, as is the memory
    std::string memory_{};
};

}  // namespace herald::sidecar
