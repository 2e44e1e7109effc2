// JSON as text: whether it is JSON at all, and its top-level members as they were written. What is
// passed on is never serialised again. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace herald {

// Whether `text` is one JSON value of any kind, in UTF-8, with nothing but white space around it.
bool is_json(std::string_view text);

// The value of a top-level member, as it is written; nothing where there is none, or `text` is no
// object. Of several members with that name the last one counts, as in browsers; a name that is
// written with escapes is not found. `text` is JSON.
std::optional<std::string_view> json_member(std::string_view text, std::string_view name);

// The same, with the name in any case where there is none in that one: nginx knows variables in
// lower case alone.
std::optional<std::string_view> json_member_any_case(std::string_view text, std::string_view name);

// A JSON value as plain text: what a string says, anything else as it is written; null is empty.
std::string plain_text(std::string_view value);

// CR and LF become spaces: in JSON they can only be white space.
void make_one_line(std::string& json);

}  // namespace herald
