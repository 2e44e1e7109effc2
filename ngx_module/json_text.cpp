#include "json_text.hpp"

#include <jansson.h>

#include <algorithm>
#include <memory>

namespace herald {

namespace {

struct FreeJson {
    void operator()(json_t* value) const { json_decref(value); }
};
using Json = std::unique_ptr<json_t, FreeJson>;

// Numbers too large for an integer are JSON, too.
Json parse(std::string_view text) {
    return Json(json_loadb(text.data(), text.size(),
                           JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, nullptr));
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Where the string that starts at text[at] == '"' ends: one past its quote.
size_t skip_string(std::string_view text, size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\')
            ++at;
    }
    return std::min(at + 1, text.size());
}

size_t skip_space(std::string_view text, size_t at) {
    while (at < text.size() && is_space(text[at]))
        ++at;
    return at;
}

// One past the value that starts at `at`.
size_t skip_value(std::string_view text, size_t at) {
    size_t depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"') {
            at = skip_string(text, at);
        } else if (c == '{' || c == '[') {
            ++depth;
            ++at;
            continue;
        } else if (c == '}' || c == ']') {
            --depth;
            ++at;
        } else if (depth == 0) {
            while (at < text.size() && !is_space(text[at]) && text[at] != ',' && text[at] != '}' &&
                   text[at] != ']')
                ++at;
        } else {
            ++at;
            continue;
        }
        if (depth == 0)
            break;
    }
    return at;
}

template <class Matches>
std::optional<std::string_view> find(std::string_view text, Matches&& matches) {
    std::optional<std::string_view> found;
    size_t at = skip_space(text, 0);
    if (at == text.size() || text[at] != '{')
        return found;
    for (;;) {
        at = skip_space(text, at + 1);  // behind `{` or `,`
        if (at >= text.size() || text[at] != '"')
            return found;
        const size_t name_end = skip_string(text, at);
        const std::string_view name = text.substr(at + 1, name_end - at - 2);
        at = skip_space(text, skip_space(text, name_end) + 1);  // behind the colon
        const size_t end = skip_value(text, at);
        if (matches(name))
            found = text.substr(at, end - at);
        at = skip_space(text, end);
        if (at >= text.size() || text[at] != ',')
            return found;
    }
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

bool is_json(std::string_view text) {
    return parse(text) != nullptr;
}

std::optional<std::string_view> json_member(std::string_view text, std::string_view name) {
    return find(text, [&](std::string_view one) { return one == name; });
}

std::optional<std::string_view> json_member_any_case(std::string_view text, std::string_view name) {
    if (const auto exact = json_member(text, name))
        return exact;
    return find(text, [&](std::string_view one) {
        return std::equal(one.begin(), one.end(), name.begin(), name.end(),
                          [](char a, char b) { return lower(a) == lower(b); });
    });
}

std::string plain_text(std::string_view value) {
    if (value == "null")
        return {};
    if (value.empty() || value[0] != '"')
        return std::string(value);
    const Json string = parse(value);
    return string ? std::string(json_string_value(string.get()), json_string_length(string.get()))
                  : std::string();
}

void make_one_line(std::string& json) {
    std::replace(json.begin(), json.end(), '\n', ' ');
    std::replace(json.begin(), json.end(), '\r', ' ');
}

}  // namespace herald
