#include "identity.hpp"

#include <algorithm>
#include <cstdlib>

namespace herald {

namespace {

std::optional<std::string> dump(const json_t* value) {
    struct Free {
        void operator()(char* text) const { std::free(text); }
    };
    const std::unique_ptr<char, Free> text(
        json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS));
    if (text == nullptr)
        return std::nullopt;
    return std::string(text.get());
}

bool equals(const json_t* claim, std::string_view value) {
    if (json_is_object(claim) || json_is_array(claim) || json_is_null(claim))
        return false;
    const std::optional<std::string> text = claim_text(claim);
    return text && *text == value;
}

}  // namespace

bool is_plain_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool has_role(const Identity& identity, std::string_view role) {
    const std::vector<std::string>& roles = identity.claims.roles;
    return std::find(roles.begin(), roles.end(), role) != roles.end();
}

bool has_claim(const Identity& identity, std::string_view path, std::string_view value) {
    const json_t* claim = jwt::find_claim(identity.claims.all.get(), path);
    if (claim == nullptr)
        return false;
    if (!json_is_array(claim))
        return equals(claim, value);
    for (size_t i = 0; i < json_array_size(claim); ++i) {
        if (equals(json_array_get(claim, i), value))
            return true;
    }
    return false;
}

std::optional<std::string> claim_text(const json_t* claim) {
    if (claim == nullptr || json_is_null(claim))
        return std::nullopt;
    std::optional<std::string> text =
        json_is_string(claim) ? std::string(json_string_value(claim), json_string_length(claim))
                              : dump(claim);
    if (text && !is_plain_text(*text))
        return std::nullopt;
    return text;
}

}  // namespace herald
