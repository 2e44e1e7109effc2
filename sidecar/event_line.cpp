#include "sidecar/event_line.hpp"

#include <jansson.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <stdexcept>

#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxValue = 100;  // bytes: inside an object, a longer string is shown by its type
constexpr size_t kMaxText = 2000;  // of a member that is a string itself, such as a message

struct FreeJson {
    void operator()(json_t* json) const noexcept { json_decref(json); }
};

std::string_view string_of(const json_t* value) {
    return {json_string_value(value), json_string_length(value)};
}

std::string real_text(double value) {
    char digits[32];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    std::string text(digits, end);
    if (text.find_first_of(".en") == std::string::npos)
        text += ".0";
    return text;
}

std::string scalar_text(const json_t* value) {
    switch (json_typeof(value)) {
        case JSON_STRING:
            return std::string(string_of(value));
        case JSON_INTEGER:
            return std::to_string(json_integer_value(value));
        case JSON_REAL:
            return real_text(json_real_value(value));
        case JSON_TRUE:
            return "True";
        case JSON_FALSE:
            return "False";
        case JSON_NULL:
            return "<NoneType>";
        case JSON_ARRAY:
            return "<list>";
        case JSON_OBJECT:
            return "<dict>";
    }
    return {};
}

// Inside an object: what is short.
std::string inner_text(const json_t* value) {
    if (json_is_string(value) && json_string_length(value) >= kMaxValue)
        return "<str>";
    return scalar_text(value);
}

std::string object_text(json_t* object) {
    std::string text;
    const char* key;
    json_t* value;
    json_object_foreach(object, key, value) {
        text.append(text.empty() ? "" : ", ").append(key).append(": ").append(inner_text(value));
    }
    return text;
}

// Empty where there is nothing to show.
std::string member_text(json_t* event, const std::string& member) {
    json_t* value = json_object_get(event, member.c_str());
    if (value == nullptr || json_is_null(value))
        return {};
    return json_is_object(value) ? object_text(value) : log::shorten(scalar_text(value), kMaxText);
}

}  // namespace

EventLine::EventLine(std::span<const std::string> parts, std::span<const std::string> part_names) {
    if (parts.empty())
        throw std::invalid_argument("is empty; list the parts of the line, or say true or false");
    for (const std::string& part : parts)
        parts_.push_back(parse(part, part_names));
}

EventLine::Part EventLine::parse(std::string_view text, std::span<const std::string> part_names) {
    Part part;
    const size_t open = text.find('{');
    const size_t close = text.find('}', open == std::string_view::npos ? 0 : open);
    if ((open == std::string_view::npos) != (close == std::string_view::npos) ||
        (open != std::string_view::npos &&
         (close == open + 1 || text.find_first_of("{}", close + 1) != std::string_view::npos ||
          text.find('{', open + 1) < close || text.find('}') < open)))
        throw std::invalid_argument("has the part \"" + std::string(text) +
                                    "\"; expected text with at most one {name} in it");
    if (open == std::string_view::npos) {
        part.before = text;
        return part;
    }
    part.before = text.substr(0, open);
    part.behind = text.substr(close + 1);
    const std::string name(text.substr(open + 1, close - open - 1));
    const auto found = std::find(part_names.begin(), part_names.end(), name);
    if (found != part_names.end())
        part.channel_part = static_cast<size_t>(found - part_names.begin());
    else
        part.member = name;
    return part;
}

std::string EventLine::text(std::span<const std::string_view> values, std::string_view data) const {
    json_error_t error;
    const std::unique_ptr<json_t, FreeJson> event(
        json_loadb(data.data(), data.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, &error));
    std::string line;
    for (const Part& part : parts_) {
        std::string value;
        if (part.channel_part != kNoPart)
            value = values[part.channel_part];
        else if (!part.member.empty())
            value = member_text(event.get(), part.member);
        const bool asks = part.channel_part != kNoPart || !part.member.empty();
        if (asks && value.empty())
            continue;
        line.append(line.empty() ? "" : " | ")
            .append(part.before)
            .append(value)
            .append(part.behind);
    }
    return log::harmless(line);
}

}  // namespace herald::sidecar
