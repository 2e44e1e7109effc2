// What an upstream's answer says: sums, and what they are made of, project by project.
//
// An answer is either sums that are ready, or records to be summed up; docs/views.md says how both
// look. All sums are those of the whole answer; of the records, a project keeps the newest.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

struct UpstreamProject {
    std::string name{};
    std::string sums{};                  // JSON object
    std::vector<std::string> records{};  // JSON objects, the oldest first
};

struct UpstreamAnswer {
    std::string totals{};                     // JSON object
    std::vector<UpstreamProject> projects{};  // the one first whose newest record is the oldest
};

// One kind of upstream: what it is called, and how its answers are read. Lives for ever.
struct UpstreamKind {
    const char* name;     // "status"; a member of that name may be around the answer
    const char* records;  // what its records are called: "versions"

    // Pure, and may take long: belongs on a thread. At most `max_records` records a project.
    // Throws std::runtime_error, whose text says what is wrong with the answer, never what is in
    // it.
    UpstreamAnswer (*read)(std::string_view bytes, size_t max_records);

    const char* no_totals;        // where nothing is known: zeros
    const char* no_project_sums;  // the same for one project
};

extern const UpstreamKind kStatusUpstream;
extern const UpstreamKind kReviewUpstream;

}  // namespace herald::sidecar
