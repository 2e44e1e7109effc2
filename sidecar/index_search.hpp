// One search through the index's events: says of each whether it is found, and when the search has
// cost enough. Bounds are counts, so that the same question gets the same answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "sidecar/event_search.hpp"

namespace herald::sidecar {

class IndexSearch {
  public:
    static constexpr uint32_t kMostLooked = 10'000;      // events whose data is looked at
    static constexpr size_t kMostLookedBytes = 8 << 20;  // of this data
    static constexpr uint32_t kMostPassed = 100'000;     // events passed over for their time alone

    // `search` outlives it. One for nothing finds everything, at no cost.
    explicit IndexSearch(const ring::questions::HistorySearch& search)
        : is_any_(search.is_any()), until_us_(search.until_us), inside_(search) {}

    bool is_any() const { return is_any_; }

    // Whether it has to end in front of the next event. Never at once.
    bool is_spent() const {
        return looked_ >= kMostLooked || bytes_ >= kMostLookedBytes || passed_ >= kMostPassed;
    }

    // The two questions about an event, in this order; the first spares looking at its data.
    bool is_in_time(int64_t time_us) { return passes(time_us <= until_us_); }
    // The same where it is known already.
    bool passes(bool in_time) {
        if (in_time)
            return true;
        ++passed_;
        return false;
    }
    bool finds(std::string_view event, std::string_view data) {
        if (!is_any_)
            return true;
        ++looked_;
        bytes_ += data.size();
        return inside_.matches(event, data);
    }

  private:
    bool is_any_;
    int64_t until_us_;
    EventSearch inside_;
    uint32_t looked_ = 0;
    size_t bytes_ = 0;
    uint32_t passed_ = 0;
};

}  // namespace herald::sidecar
