// The status of productions: how many projects, shots, versions and errors there are.
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "sidecar/views/upstream_records.hpp"

namespace herald::sidecar {

namespace {

struct Tally {
    std::set<std::string> shots{};
    std::set<std::pair<std::string, std::string>> versions{};  // shot and version
    int64_t errors = 0;
};

std::string totals_text(int64_t projects, int64_t shots, int64_t versions, int64_t errors) {
    return "{\"projects\":" + std::to_string(projects) + ",\"shots\":" + std::to_string(shots) +
           ",\"versions\":" + std::to_string(versions) + ",\"errors\":" + std::to_string(errors) +
           "}";
}

std::string sums_text(const Tally& tally) {
    return "{\"shots\":" + std::to_string(tally.shots.size()) +
           ",\"versions\":" + std::to_string(tally.versions.size()) +
           ",\"errors\":" + std::to_string(tally.errors) + "}";
}

UpstreamAnswer read_sums(const json_t* json) {
    bool known = false;
    const auto count = [&](const char* member) {
        const json_t* value = json_object_get(json, member);
        known = known || value != nullptr;
        return count_of(value);
    };
    const int64_t projects = count("projects");
    const int64_t shots = count("shots");
    const int64_t versions = count("versions");
    const int64_t errors = count("errors");
    if (!known)
        throw std::runtime_error(
            "the answer has none of projects, shots, versions and errors, and is no array of "
            "versions");
    return {totals_text(projects, shots, versions, errors), {}};
}

// A version is told apart by project, shot and name; a record may also be of a shot, or a project,
// that has none.
UpstreamAnswer read_versions(const json_t* records, int64_t errors, size_t max_records) {
    std::map<std::string, Tally> tallies;
    ProjectRecords kept;
    for (size_t i = 0; i < json_array_size(records); ++i) {
        const json_t* record = json_array_get(records, i);
        errors = sum_of(errors, count_of(json_object_get(record, "errors")));
        const std::string project = name_of(json_object_get(record, "project"));
        if (project.empty())
            continue;
        Tally& tally = tallies[project];
        tally.errors = sum_of(tally.errors, count_of(json_object_get(record, "errors")));
        const std::string shot = name_of(json_object_get(record, "shot"));
        if (!shot.empty())
            tally.shots.insert(shot);
        const std::string version = name_of(json_object_get(record, "version"));
        if (!version.empty())
            tally.versions.emplace(shot, version);
        kept.add(project, record);
    }

    size_t shots = 0;
    size_t versions = 0;
    for (const auto& [name, tally] : tallies) {
        shots += tally.shots.size();
        versions += tally.versions.size();
    }
    const auto whole = [](size_t count) { return static_cast<int64_t>(count); };
    return {totals_text(whole(tallies.size()), whole(shots), whole(versions), errors),
            kept.newest(max_records,
                        [&](const std::string& project) { return sums_text(tallies[project]); })};
}

UpstreamAnswer read_status(std::string_view bytes, size_t max_records) {
    const UpstreamDocument document(bytes, kStatusUpstream.name);
    if (const json_t* records = document.records(kStatusUpstream.records))
        return read_versions(records, count_of(json_object_get(document.json(), "errors")),
                             max_records);
    return read_sums(document.json());
}

}  // namespace

const UpstreamKind kStatusUpstream = {
    "status",
    "versions",
    read_status,
    R"({"projects":0,"shots":0,"versions":0,"errors":0})",
    R"({"shots":0,"versions":0,"errors":0})",
};

}  // namespace herald::sidecar
