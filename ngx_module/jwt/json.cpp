#include "json.hpp"

#include "plain_json.hpp"

namespace herald::jwt {

namespace {

// jansson recurses, and so does freeing what it made; its own bound is 2048.
bool too_deep(std::string_view text) {
    size_t depth = 0;
    bool inside_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inside_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                inside_string = false;
        } else if (c == '"') {
            inside_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaxDepth)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return false;
}

}  // namespace

Json parse_object(std::string_view text) {
    if (Json plain = read_plain_object(text))
        return plain;
    if (too_deep(text))
        return nullptr;
    Json value(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, nullptr));
    return json_is_object(value.get()) ? std::move(value) : nullptr;
}

std::string_view string_member(const json_t* object, const char* name) {
    const json_t* member = json_object_get(object, name);
    if (!json_is_string(member))
        return {};
    return {json_string_value(member), json_string_length(member)};
}

}  // namespace herald::jwt
