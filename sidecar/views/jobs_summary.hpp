// Jobs by status and by farm:
//
//   {"event":"job.updated","job":{"job_id":"mock-42","status":"running","farm":"mock",…}}
//   {"jobs":6,"by_status":{"completed":4,"failed":1,"running":1},"by_farm":{"mock":5,"tractor":1}}
//
// job.created and job.updated mean the same: the job is as they say. What they do not say stays as
// it was; of a new job it is "unknown". job.removed takes a job away. Beyond `max_records` the job
// whose last event was the longest ago is forgotten.
#pragma once

#include <array>

#include "sidecar/json_scan.hpp"
#include "sidecar/views/record_table.hpp"
#include "sidecar/views/summary.hpp"
#include "sidecar/views/value_counts.hpp"

namespace herald::sidecar {

class JobsSummary final : public Summary {
  public:
    explicit JobsSummary(uint64_t max_records) : max_records_(max_records) {}

    Took apply(std::string_view data, uint64_t at_ms) override;
    std::string document() const override;
    void save(std::string& out) const override;
    bool load(std::string_view bytes) override;
    std::string_view expects() const override;
    uint64_t forgotten() const override { return forgotten_; }

  private:
    struct Job {
        ValueCounts::Number status = 0;
        ValueCounts::Number farm = 0;
    };
    using Jobs = RecordTable<Job>;

    Took keep(const RecordKey& key, const JsonScanner& job);
    bool set(ValueCounts& counts, ValueCounts::Number& number, bool is_new, const JsonScanner& job,
             size_t i);
    void remove(Jobs::Number number);

    const uint64_t max_records_;
    Jobs jobs_{};
    ValueCounts statuses_{};
    ValueCounts farms_{};
    uint64_t forgotten_ = 0;

    JsonScanner scanner_{};  // used again, as is the memory
    std::string memory_{};
};

}  // namespace herald::sidecar
