#include "sidecar/views/upstream_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>

namespace herald::sidecar {

namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";
constexpr size_t kDigits = 15;  // as many as every double keeps

struct FreeText {
    void operator()(char* text) const noexcept { std::free(text); }
};

std::string dump(const json_t* value, size_t flags) {
    const std::unique_ptr<char, FreeText> text(json_dumps(value, flags));
    if (!text)
        throw std::bad_alloc();
    return text.get();
}

std::string_view text_of(const json_t* string) {
    return {json_string_value(string), json_string_length(string)};
}

// Nothing but a number in it, or 0.
double number_in(std::string_view text) {
    text = trimmed_text(text);
    double number = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    return result.ec == std::errc{} && result.ptr == end && std::isfinite(number) ? number : 0;
}

int64_t whole(double number) {
    constexpr double kBeyond = 9223372036854775808.0;  // 2^63, the first that does not fit
    if (!(number > 0))
        return 0;
    return number < kBeyond ? static_cast<int64_t>(number) : std::numeric_limits<int64_t>::max();
}

}  // namespace

std::string_view trimmed_text(std::string_view text) {
    const size_t first = text.find_first_not_of(kSpace);
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

UpstreamJson parse_upstream(std::string_view bytes, std::string& error) {
    json_error_t problem;
    UpstreamJson json(json_loadb(bytes.data(), bytes.size(), JSON_DECODE_ANY, &problem));
    if (json)
        return json;
    const std::string_view text = trimmed_text(bytes);
    if (text.empty())
        error = "the answer is empty";
    else if (text.front() == '<')
        error = "the answer is HTML or XML, not JSON";
    else if (json_error_code(&problem) == json_error_premature_end_of_input)
        error = "the answer is JSON that ends in the middle";
    else
        error = "the answer is not JSON (line " + std::to_string(problem.line) + ", column " +
                std::to_string(problem.column) + ")";
    return json;
}

std::string compact(const json_t* value) {
    return dump(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(kDigits));
}

std::string json_string_of(std::string_view text) {
    const UpstreamJson string(json_stringn(text.data(), text.size()));
    if (!string)
        throw std::bad_alloc();
    return compact(string.get());
}

std::string decimal(double number) {
    const UpstreamJson real(json_real(number));
    if (!real)
        throw std::bad_alloc();
    return compact(real.get());
}

int64_t count_of(const json_t* value) {
    if (json_is_integer(value))
        return std::max<int64_t>(0, json_integer_value(value));
    if (json_is_real(value))
        return whole(json_real_value(value));
    if (json_is_string(value))
        return whole(number_in(text_of(value)));
    if (json_is_array(value))
        return static_cast<int64_t>(json_array_size(value));
    return 0;
}

int64_t sum_of(int64_t a, int64_t b) {
    int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

double seconds_of(const json_t* value) {
    constexpr double kMost = 1e15;  // so that no sum of them is infinite
    const double number = json_is_string(value)   ? number_in(text_of(value))
                          : json_is_number(value) ? json_number_value(value)
                                                  : 0;
    return std::clamp(number, 0.0, kMost);
}

std::string name_of(const json_t* value) {
    if (json_is_string(value))
        return std::string(trimmed_text(text_of(value)));
    for (const char* member : {"name", "code", "project"}) {
        const json_t* text = json_object_get(value, member);
        if (json_is_string(text) && !trimmed_text(text_of(text)).empty())
            return std::string(trimmed_text(text_of(text)));
    }
    return {};
}

}  // namespace herald::sidecar
