// The projects of a section that are kept in memory, at most so many: beyond that, those go that
// nobody has asked for longest, and of those that nobody ever asked for, the one whose newest
// record is the oldest.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sidecar/views/upstream_answer.hpp"

namespace herald::sidecar {

class UpstreamBuckets {
  public:
    explicit UpstreamBuckets(size_t max_projects) : max_projects_(max_projects) {}

    // What the newest answer has, in its order. Who was asked for before stays so.
    void replace(std::vector<UpstreamProject> projects);
    void clear();

    // The project, which is now the one that was asked for last; null where it is not kept. One
    // that was evicted is so the next time, too: it stays when the answer comes again.
    const UpstreamProject* use(const std::string& name);

    bool was_evicted(const std::string& name) const { return evicted_.contains(name); }

    // By name.
    const std::map<std::string, UpstreamProject>& projects() const { return kept_; }

  private:
    void note_use(const std::string& name);
    uint64_t use_of(const std::string& name) const;

    size_t max_projects_;
    std::map<std::string, UpstreamProject> kept_{};
    std::set<std::string> evicted_{};           // names of the newest answer that are not kept
    std::map<std::string, uint64_t> uses_{};    // of names in the newest answer: larger is later
    std::map<uint64_t, std::string> by_use_{};  // the same, at most max_projects_
    uint64_t clock_ = 0;
};

}  // namespace herald::sidecar
