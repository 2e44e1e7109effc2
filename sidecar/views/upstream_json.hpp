// jansson, for what upstream says: numbers as they come, names in the forms that they have.
#pragma once

#include <jansson.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace herald::sidecar {

struct FreeUpstreamJson {
    void operator()(json_t* json) const noexcept { json_decref(json); }
};
using UpstreamJson = std::unique_ptr<json_t, FreeUpstreamJson>;

// Null where it is no JSON, and `error` says what it is instead; never what is in it.
UpstreamJson parse_upstream(std::string_view bytes, std::string& error);

// On one line, members in their order, numbers in the shortest form of at most 15 digits.
std::string compact(const json_t* value);

// A string as JSON, with its quotes.
std::string json_string_of(std::string_view text);

// 45.0, 963.5: always with a fraction.
std::string decimal(double number);

// A count: numbers without their fraction, strings of digits, the elements of an array; whatever
// else there is, and what is below 0, is 0.
int64_t count_of(const json_t* value);

// The largest number rather than one that does not fit.
int64_t sum_of(int64_t a, int64_t b);

// Seconds: numbers and strings of them, none below 0.
double seconds_of(const json_t* value);

// The text of a string without the space around it, or of the first of an object's `name`, `code`
// and `project` that has some. Empty for anything else.
std::string name_of(const json_t* value);

std::string_view trimmed_text(std::string_view text);

}  // namespace herald::sidecar
