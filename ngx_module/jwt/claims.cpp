// Finding things in a claims set.
#include <algorithm>

#include "verify.hpp"

namespace herald::jwt {

namespace {

bool is_text(const json_t* value, std::string_view text) {
    if (json_is_string(value))
        return std::string_view(json_string_value(value), json_string_length(value)) == text;
    if (json_is_integer(value))
        return std::to_string(json_integer_value(value)) == text;
    return json_is_boolean(value) && text == (json_is_true(value) ? "true" : "false");
}

}  // namespace

const json_t* find_claim(const json_t* claims, std::string_view path) {
    if (!json_is_object(claims) || path.empty())
        return nullptr;
    if (const json_t* whole = json_object_getn(claims, path.data(), path.size()))
        return whole;
    // The longest member that the path starts with wins, so that names with dots are found at any
    // depth.
    for (size_t dot = path.rfind('.'); dot != path.npos && dot > 0;
         dot = path.rfind('.', dot - 1)) {
        const json_t* member = json_object_getn(claims, path.data(), dot);
        if (member == nullptr)
            continue;
        if (const json_t* found = find_claim(member, path.substr(dot + 1)))
            return found;
    }
    return nullptr;
}

bool has_claim(const json_t* claims, std::string_view path, std::string_view value) {
    const json_t* claim = find_claim(claims, path);
    for (size_t i = 0; i < json_array_size(claim); ++i) {
        if (is_text(json_array_get(claim, i), value))
            return true;
    }
    return is_text(claim, value);
}

std::vector<std::string> words_of(const json_t* value) {
    std::vector<std::string> words;
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); ++i) {
            const json_t* item = json_array_get(value, i);
            if (json_is_string(item))
                words.emplace_back(json_string_value(item), json_string_length(item));
        }
    } else if (json_is_string(value)) {
        std::string_view text(json_string_value(value), json_string_length(value));
        while (!text.empty()) {
            const std::string_view word = text.substr(0, text.find(' '));
            if (!word.empty())
                words.emplace_back(word);
            text.remove_prefix(std::min(word.size() + 1, text.size()));
        }
    }
    return words;
}

}  // namespace herald::jwt
