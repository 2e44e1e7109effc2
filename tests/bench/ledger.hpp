// Who has received what. Events of a channel are numbered from 0; each subscriber is owed all of
// them, in order, once. The expected case is one comparison; what is missing is kept as ranges, so
// that the counts of lost, repeated and late events are exact and not estimates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <unordered_map>
#include <vector>

namespace herald::bench {

class Ledger {
  public:
    explicit Ledger(size_t subscribers) : next_(subscribers, 0) {}

    // Notes that a subscriber has received event `number`, of which there are `published` so far on
    // its channel. True when this is its first receipt.
    bool record(size_t subscriber, uint64_t number, uint64_t published) {
        if (number == next_[subscriber] && number < published) [[likely]] {
            ++next_[subscriber];
            ++delivered_;
            return true;
        }
        return record_unexpected(subscriber, number, published);
    }

    // A subscriber that is gone no longer holds the window back; what it is owed stays owed.
    void forget(size_t subscriber) { next_[subscriber] = kGone; }

    // How far the slowest connected subscriber is: everything before this has been received or
    // skipped by all. The largest number there is when nobody is left.
    uint64_t slowest() const { return *std::min_element(next_.begin(), next_.end()); }

    uint64_t delivered() const { return delivered_; }
    uint64_t duplicated() const { return duplicated_; }
    uint64_t out_of_order() const { return out_of_order_; }
    uint64_t foreign() const { return foreign_; }

  private:
    static constexpr uint64_t kGone = UINT64_MAX;

    bool record_unexpected(size_t subscriber, uint64_t number, uint64_t published) {
        if (number >= published) {
            ++foreign_;
            return false;
        }
        auto& ranges = missing_[subscriber];
        uint64_t& next = next_[subscriber];

        if (number > next) {
            ranges[next] = number;
            next = number + 1;
            ++delivered_;
            return true;
        }

        auto after = ranges.upper_bound(number);
        if (after == ranges.begin() || std::prev(after)->second <= number) {
            ++duplicated_;
            return false;
        }
        auto [first, end] = *std::prev(after);
        ranges.erase(first);
        if (first < number) {
            ranges[first] = number;
        }
        if (number + 1 < end) {
            ranges[number + 1] = end;
        }
        ++out_of_order_;
        ++delivered_;
        return true;
    }

    std::vector<uint64_t> next_;  // per subscriber: the number it should see next
    std::unordered_map<size_t, std::map<uint64_t, uint64_t>>
        missing_;  // [first, end) that were skipped
    uint64_t delivered_ = 0;
    uint64_t duplicated_ = 0;
    uint64_t out_of_order_ = 0;
    uint64_t foreign_ = 0;
};

}  // namespace herald::bench
