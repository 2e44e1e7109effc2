// A log-linear histogram of nanoseconds: 64 buckets for each power of two, so that a quantile is
// right to 1.6 % at any magnitude and adding a value is a shift and an increment.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace herald::bench {

class Histogram {
  public:
    void add(uint64_t value) {
        ++buckets_[bucket_of(value)];
        ++count_;
        max_ = std::max(max_, value);
    }

    uint64_t max() const { return max_; }

    // The value that a share of `quantile` (0 to 1) of all values does not exceed; 0 when there are
    // none.
    uint64_t at(double quantile) const {
        auto rank = static_cast<uint64_t>(quantile * static_cast<double>(count_));
        uint64_t seen = 0;
        for (size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen > rank) {
                return std::min(middle_of(i), max_);
            }
        }
        return max_;
    }

  private:
    // Values below 64 have a bucket each. Above, with 7 significant bits kept, `shift` says how
    // many were dropped:
    //
    //     bucket = shift * 64 + (value >> shift)        64 <= value >> shift < 128
    static constexpr unsigned kBits = 6;
    static constexpr unsigned kMaxShift = 40;

    static size_t bucket_of(uint64_t value) {
        auto width = static_cast<unsigned>(std::bit_width(value));
        unsigned shift = width > kBits + 1 ? std::min(width - kBits - 1, kMaxShift) : 0;
        return (static_cast<size_t>(shift) << kBits) +
               static_cast<size_t>(std::min<uint64_t>(value >> shift, (2U << kBits) - 1));
    }

    static uint64_t middle_of(size_t bucket) {
        if (bucket < (2U << kBits)) {
            return bucket;
        }
        uint64_t shift = (bucket >> kBits) - 1;
        uint64_t low = (bucket - (shift << kBits)) << shift;
        return low + (uint64_t{1} << shift) / 2;
    }

    std::array<uint64_t, (kMaxShift + 2) << kBits> buckets_{};
    uint64_t count_ = 0;
    uint64_t max_ = 0;
};

}  // namespace herald::bench
