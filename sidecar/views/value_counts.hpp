// How many records have which value of a member, such as a job's status. Values are kept once, by
// number; of those that nobody has any more nothing is kept.
//
// What producers make up does not make it grow: from kMaxValues different values on, and for longer
// ones than kMaxLength bytes, records count as kOther.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

class ValueCounts {
  public:
    using Number = uint16_t;
    static constexpr size_t kMaxValues = 256;  // with kOther
    static constexpr size_t kMaxLength = 128;  // bytes
    static constexpr std::string_view kOther = "other";

    ValueCounts() : values_(1) { values_[0].text = kOther; }

    // A record has this value: the inside of a JSON string, as it is written. The value's number is
    // valid for as long as a record has it.
    Number add(std::string_view text);
    // It has it no longer.
    void remove(Number number);

    std::string_view text(Number number) const { return values_[number].text; }

    // `{"completed":4,"running":1}`, sorted by value.
    void append_json(std::string& out) const;

  private:
    struct Value {
        std::string text{};
        uint64_t count = 0;
    };
    std::vector<Value> values_;  // by number; the first is kOther
    std::vector<Number> free_{};
    std::map<std::string, Number, std::less<>> numbers_{};
};

}  // namespace herald::sidecar
