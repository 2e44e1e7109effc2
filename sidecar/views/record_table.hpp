// Records by the hash of their id, in the order in which they were touched last: what summaries
// keep of jobs and runs. Made for millions: ids are not kept, a record takes its value, 24 bytes
// and 4 to 11 in the index.
//
//   index_   [ 3 | - | 0 | - | 2 | … ]       open addressing; a record's number, or kNone
//   records_ [ 0: key, value, older, newer | 1: free | 2: … ]
//
// Ids are told apart by 128 bits of XXH3: among ten million, two share a hash once in 10^24 times.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "ring/hash.hpp"

namespace herald::sidecar {

struct RecordKey {
    uint64_t low = 0;
    uint64_t high = 0;

    static RecordKey of(std::string_view id) {
        const XXH128_hash_t hash = XXH3_128bits(id.data(), id.size());
        return {hash.low64, hash.high64};
    }
    auto operator<=>(const RecordKey&) const = default;
};

template <class Value>
class RecordTable {
  public:
    using Number = uint32_t;  // of a record, for as long as it is there
    static constexpr Number kNone = UINT32_MAX;

    size_t size() const { return size_; }

    // kNone: there is no such record.
    Number find(const RecordKey& key) const {
        return index_.empty() ? kNone : index_[place_of(key)];
    }

    // Makes a record, which is not there yet, and the newest.
    Number add(const RecordKey& key) {
        if ((size_ + 1) * 4 > index_.size() * 3)
            grow();
        const Number number = take_free();
        Record& record = records_[number];
        record.key = key;
        record.value = Value{};
        index_[place_of(key)] = number;
        append(number);
        ++size_;
        return number;
    }

    // Makes a record the newest.
    void touch(Number number) {
        if (number == newest_)
            return;
        unlink(number);
        append(number);
    }

    void remove(Number number) {
        empty_place(place_of(records_[number].key));
        unlink(number);
        records_[number].newer = std::exchange(free_, number);
        --size_;
    }

    const RecordKey& key(Number number) const { return records_[number].key; }
    Value& value(Number number) { return records_[number].value; }
    const Value& value(Number number) const { return records_[number].value; }

    // From the one touched longest ago to the one touched last; kNone: no more.
    Number oldest() const { return oldest_; }
    Number next(Number number) const { return records_[number].newer; }

  private:
    struct Record {
        RecordKey key{};
        Number older = kNone;
        Number newer = kNone;  // of a free one: the next free one
        Value value{};
    };

    size_t mask() const { return index_.size() - 1; }
    size_t home_of(const RecordKey& key) const { return key.low & mask(); }

    // Where the key is, or would be.
    size_t place_of(const RecordKey& key) const {
        size_t place = home_of(key);
        while (index_[place] != kNone && records_[index_[place]].key != key)
            place = (place + 1) & mask();
        return place;
    }

    // What stands behind a place that becomes empty moves up, so that no search ends too early.
    void empty_place(size_t hole) {
        for (size_t at = hole;;) {
            at = (at + 1) & mask();
            if (index_[at] == kNone)
                break;
            const size_t home = home_of(records_[index_[at]].key);
            if (((at - home) & mask()) >= ((at - hole) & mask())) {
                index_[hole] = index_[at];
                hole = at;
            }
        }
        index_[hole] = kNone;
    }

    void grow() {
        index_.assign(index_.empty() ? 16 : index_.size() * 2, kNone);
        for (Number number = oldest_; number != kNone; number = records_[number].newer)
            index_[place_of(records_[number].key)] = number;
    }

    Number take_free() {
        if (free_ == kNone) {
            records_.emplace_back();
            return static_cast<Number>(records_.size() - 1);
        }
        return std::exchange(free_, records_[free_].newer);
    }

    void append(Number number) {
        Record& record = records_[number];
        record.older = newest_;
        record.newer = kNone;
        (newest_ == kNone ? oldest_ : records_[newest_].newer) = number;
        newest_ = number;
    }

    void unlink(Number number) {
        const Record& record = records_[number];
        (record.older == kNone ? oldest_ : records_[record.older].newer) = record.newer;
        (record.newer == kNone ? newest_ : records_[record.newer].older) = record.older;
    }

    std::vector<Number> index_{};   // as many as a power of two, at most three in four taken
    std::deque<Record> records_{};  // never moved: growing needs no second copy
    size_t size_ = 0;
    Number free_ = kNone;
    Number oldest_ = kNone;
    Number newest_ = kNone;
};

}  // namespace herald::sidecar
