#include "sidecar/views/value_counts.hpp"

namespace herald::sidecar {

ValueCounts::Number ValueCounts::add(std::string_view text) {
    const auto found = numbers_.find(text);
    if (found != numbers_.end()) {
        ++values_[found->second].count;
        return found->second;
    }
    const bool full = free_.empty() && values_.size() == kMaxValues;
    if (text == kOther || text.size() > kMaxLength || full) {
        ++values_[0].count;
        return 0;
    }

    if (free_.empty()) {
        free_.push_back(static_cast<Number>(values_.size()));
        values_.emplace_back();
    }
    const Number number = free_.back();
    values_[number].text = text;
    values_[number].count = 1;
    numbers_.emplace(text, number);
    free_.pop_back();
    return number;
}

void ValueCounts::remove(Number number) {
    Value& value = values_[number];
    if (--value.count != 0 || number == 0)
        return;
    numbers_.erase(value.text);
    value.text.clear();
    free_.push_back(number);
}

void ValueCounts::append_json(std::string& out) const {
    std::map<std::string_view, uint64_t> counts;
    for (const auto& [text, number] : numbers_)
        counts.emplace(text, values_[number].count);
    if (values_[0].count != 0)
        counts.emplace(kOther, values_[0].count);

    char before = '{';
    for (const auto& [text, count] : counts) {
        out += before;
        out.append("\"").append(text).append("\":").append(std::to_string(count));
        before = ',';
    }
    out.append(before == '{' ? "{}" : "}");
}

}  // namespace herald::sidecar
