// The records of an upstream's answer, by project and by age.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/views/upstream_answer.hpp"
#include "sidecar/views/upstream_json.hpp"

namespace herald::sidecar {

// The object or array that an answer is: all of it, or its member `section`.
class UpstreamDocument {
  public:
    // Throws std::runtime_error.
    UpstreamDocument(std::string_view bytes, const char* section);

    const json_t* json() const { return json_; }

    // The records: the array itself, or the object's member `name` where that is an array; else
    // null.
    const json_t* records(const char* name) const;

  private:
    UpstreamJson whole_;
    const json_t* json_;  // of whole_
};

// Collects records, whose document outlives it.
class ProjectRecords {
  public:
    // A project is known from its first record on, or from being named alone.
    void name(const std::string& project) { projects_[project]; }
    void add(const std::string& project, const json_t* record);

    size_t count() const { return projects_.size(); }

    // In the order that UpstreamAnswer states, each project with its newest `max_records`. A
    // record's age is its `updated_at`, else its `created_at`; one without is older than all that
    // have one. Equally old ones are in the answer's order.
    std::vector<UpstreamProject> newest(size_t max_records,
                                        const std::function<std::string(const std::string&)>& sums);

  private:
    struct Aged {
        int64_t us = INT64_MIN;  // since 1970
        size_t place = 0;        // in the answer
        const json_t* record = nullptr;
        auto key() const { return std::pair{us, place}; }
    };
    std::map<std::string, std::vector<Aged>> projects_{};
    size_t added_ = 0;
};

}  // namespace herald::sidecar
