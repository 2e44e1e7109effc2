#include "sidecar/views/upstream_buckets.hpp"

#include <algorithm>
#include <utility>

namespace herald::sidecar {

void UpstreamBuckets::replace(std::vector<UpstreamProject> projects) {
    // Those to be kept last: asked for latest; where nobody asked, in the answer's order.
    std::stable_sort(projects.begin(), projects.end(), [this](const auto& a, const auto& b) {
        return use_of(a.name) < use_of(b.name);
    });
    kept_.clear();
    evicted_.clear();
    const size_t first = projects.size() - std::min(projects.size(), max_projects_);
    for (size_t i = 0; i < projects.size(); ++i) {
        std::string name = projects[i].name;
        if (i < first)
            evicted_.insert(std::move(name));
        else
            kept_.emplace(std::move(name), std::move(projects[i]));
    }
    std::erase_if(by_use_, [this](const auto& use) {
        return !kept_.contains(use.second) && !evicted_.contains(use.second);
    });
    std::erase_if(uses_, [this](const auto& use) { return !by_use_.contains(use.second); });
}

void UpstreamBuckets::clear() {
    kept_.clear();
    evicted_.clear();
}

const UpstreamProject* UpstreamBuckets::use(const std::string& name) {
    const auto found = kept_.find(name);
    if (found != kept_.end() || evicted_.contains(name))
        note_use(name);
    return found == kept_.end() ? nullptr : &found->second;
}

void UpstreamBuckets::note_use(const std::string& name) {
    if (const auto earlier = uses_.find(name); earlier != uses_.end())
        by_use_.erase(earlier->second);
    uses_[name] = ++clock_;
    by_use_.emplace(clock_, name);
    if (by_use_.size() > max_projects_) {
        uses_.erase(by_use_.begin()->second);
        by_use_.erase(by_use_.begin());
    }
}

uint64_t UpstreamBuckets::use_of(const std::string& name) const {
    const auto found = uses_.find(name);
    return found == uses_.end() ? 0 : found->second;
}

}  // namespace herald::sidecar
