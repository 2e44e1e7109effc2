#include "view_query.hpp"

#include <charconv>

#include "ring/view_question.hpp"

namespace herald {

namespace {

constexpr size_t kTagDigits = 16;

}  // namespace

ViewPath split_view(std::string_view path) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos)
        return {path, {}};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

std::string make_view_tag(uint64_t hash) {
    std::string tag(kTagDigits + 2, '"');
    for (size_t i = kTagDigits; i > 0; --i, hash >>= 4)
        tag[i] = "0123456789abcdef"[hash & 15];
    return tag;
}

std::vector<uint64_t> parse_view_tags(std::string_view if_none_match) {
    std::vector<uint64_t> tags;
    while (tags.size() < ring::questions::kMaxViewTags) {
        const size_t start = if_none_match.find('"');
        if (start == std::string_view::npos)
            break;
        if_none_match.remove_prefix(start + 1);
        const size_t length = if_none_match.find('"');
        if (length == std::string_view::npos)
            break;
        const std::string_view tag = if_none_match.substr(0, length);
        if_none_match.remove_prefix(length + 1);

        uint64_t hash = 0;
        const char* end = tag.data() + tag.size();
        const auto parsed = std::from_chars(tag.data(), end, hash, 16);
        if (tag.size() == kTagDigits && parsed.ec == std::errc{} && parsed.ptr == end)
            tags.push_back(hash);
    }
    return tags;
}

}  // namespace herald
