// A tree of the names that are wanted, walked along with the text.
#include "sidecar/json_paths.hpp"

#include <algorithm>
#include <cstring>

#include "sidecar/json_scan.hpp"

namespace herald::sidecar {

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char* skip_space(const char* at, const char* end) {
    while (at != end && is_space(*at))
        ++at;
    return at;
}

// `at`: on the opening quote. Returns where the string ends, behind its closing quote.
const char* skip_string(const char* at, const char* end) {
    for (++at; at < end && *at != '"'; ++at) {
        if (*at == '\\')
            ++at;
    }
    return at < end ? at + 1 : end;
}

// Behind the array or object that opens at `at`.
const char* skip_nested(const char* at, const char* end) {
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        if (*at == '{' || *at == '[')
            ++depth;
        else if ((*at == '}' || *at == ']') && --depth == 0)
            return at + 1;
        ++at;
    }
    return end;
}

const char* skip_value(const char* at, const char* end) {
    if (at == end)
        return end;
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '{' || *at == '[')
        return skip_nested(at, end);
    while (at != end && *at != ',' && *at != '}' && *at != ']' && !is_space(*at))
        ++at;
    return at;
}

}  // namespace

JsonPaths::Node& JsonPaths::member_of(Node& node, const std::string& name) {
    const auto found = std::ranges::find(node.members, name, &Node::name);
    if (found != node.members.end())
        return *found;
    node.members.push_back({name, {}, {}});
    return node.members.back();
}

size_t JsonPaths::add(std::span<const std::string> path) {
    Node* node = &top_;
    for (const std::string& name : path)
        node = &member_of(*node, name);
    node->values.push_back(values_.size());
    values_.emplace_back();
    return values_.size() - 1;
}

std::span<const std::string_view> JsonPaths::find(std::string_view json) {
    std::ranges::fill(values_, std::string_view{});
    end_ = json.data() + json.size();
    at_ = skip_space(json.data(), end_);
    value(&top_);
    return values_;
}

// `at_`: on a value's first byte; then behind it. `node`: null where nobody wants it.
void JsonPaths::value(const Node* node) {
    const char* begin = at_;
    if (node != nullptr && !node->members.empty() && at_ != end_ && *at_ == '{')
        object(*node);
    else
        at_ = skip_value(at_, end_);
    if (node == nullptr)
        return;
    for (size_t place : node->values)
        values_[place] = {begin, static_cast<size_t>(at_ - begin)};
}

void JsonPaths::object(const Node& node) {
    at_ = skip_space(at_ + 1, end_);
    while (at_ < end_ && *at_ == '"') {
        const char* begin = at_ + 1;
        at_ = skip_string(at_, end_);
        const Node* member = match(node, {begin, static_cast<size_t>(at_ - begin) - 1});
        if (member != nullptr)
            forget(*member);
        at_ = skip_space(at_, end_);
        if (at_ < end_)  // the colon
            at_ = skip_space(at_ + 1, end_);
        value(member);
        at_ = skip_space(at_, end_);
        if (at_ < end_ && *at_ == ',')
            at_ = skip_space(at_ + 1, end_);
    }
    if (at_ < end_)
        ++at_;
}

const JsonPaths::Node* JsonPaths::match(const Node& node, std::string_view key) {
    if (std::memchr(key.data(), '\\', key.size()) != nullptr) {
        key_.clear();
        if (!unescape_json(key, key_))
            return nullptr;
        key = key_;
    }
    const auto found =
        std::ranges::find_if(node.members, [&](const Node& member) { return member.name == key; });
    return found == node.members.end() ? nullptr : &*found;
}

// What an earlier member of the same name had does not count any more.
void JsonPaths::forget(const Node& node) {
    for (size_t place : node.values)
        values_[place] = {};
    for (const Node& member : node.members)
        forget(member);
}

}  // namespace herald::sidecar
