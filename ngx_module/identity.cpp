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

}  // namespace

bool is_plain_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool has_role(const Identity& identity, std::string_view role) {
    const std::vector<std::string>& roles = identity.claims.roles;
    return std::find(roles.begin(), roles.end(), role) != roles.end();
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
