#include "sidecar/views/upstream_records.hpp"

#include <algorithm>
#include <stdexcept>

#include "ring/timestamp.hpp"

namespace herald::sidecar {

namespace {

int64_t age_of(const json_t* record) {
    for (const char* member : {"updated_at", "created_at"}) {
        const json_t* time = json_object_get(record, member);
        if (!json_is_string(time))
            continue;
        if (const auto us = ring::parse_time({json_string_value(time), json_string_length(time)}))
            return *us;
    }
    return INT64_MIN;
}

}  // namespace

UpstreamDocument::UpstreamDocument(std::string_view bytes, const char* section) {
    std::string error;
    whole_ = parse_upstream(bytes, error);
    if (!whole_)
        throw std::runtime_error(error);
    const json_t* inner = json_object_get(whole_.get(), section);
    json_ = json_is_object(inner) || json_is_array(inner) ? inner : whole_.get();
    if (!json_is_object(json_) && !json_is_array(json_))
        throw std::runtime_error("the answer is neither an object nor an array");
}

const json_t* UpstreamDocument::records(const char* name) const {
    if (json_is_array(json_))
        return json_;
    const json_t* inner = json_object_get(json_, name);
    return json_is_array(inner) ? inner : nullptr;
}

void ProjectRecords::add(const std::string& project, const json_t* record) {
    projects_[project].push_back({age_of(record), added_++, record});
}

std::vector<UpstreamProject> ProjectRecords::newest(
    size_t max_records, const std::function<std::string(const std::string&)>& sums) {
    const auto older = [](const Aged& a, const Aged& b) { return a.key() < b.key(); };
    std::vector<std::pair<Aged, UpstreamProject>> projects;
    for (auto& [name, records] : projects_) {
        std::sort(records.begin(), records.end(), older);
        UpstreamProject project{name, sums(name), {}};
        const size_t first = records.size() - std::min(records.size(), max_records);
        for (size_t i = first; i < records.size(); ++i)
            project.records.push_back(compact(records[i].record));
        projects.emplace_back(records.empty() ? Aged{} : records.back(), std::move(project));
    }
    std::stable_sort(projects.begin(), projects.end(),
                     [&](const auto& a, const auto& b) { return older(a.first, b.first); });

    std::vector<UpstreamProject> ordered;
    for (auto& [age, project] : projects)
        ordered.push_back(std::move(project));
    return ordered;
}

}  // namespace herald::sidecar
