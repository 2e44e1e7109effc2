// The question for a view (docs/formats.md): its JSON, or its flush; answered as HTTP would answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "names.hpp"
#include "question_bytes.hpp"

namespace herald::ring::questions {

// Starts the question for a view; the tags, then name, item and query follow.
struct ViewHeader {
    uint32_t flush = 0;      // 1: what the view keeps is to be made anew
    uint32_t tag_count = 0;  // of 8 bytes each: the bodies that the client has
    uint16_t name_length = 0;
    uint16_t item_length = 0;
    uint16_t query_length = 0;
    uint16_t reserved = 0;  // 0
};

struct ViewQuestion {
    bool flush = false;
    std::vector<uint64_t> tags{};  // any of them: NotModified will do
    std::string name{};            // is_view_name
    std::string item{};            // is_view_item
    std::string query{};           // the client's, as it came
};

enum class ViewStatus : uint32_t {
    Answered = 1,
    NotModified = 2,  // one of the tags is still the body's; no body follows
    Malformed = 3,
};

// Starts the answer; the body, JSON, follows.
struct ViewAnswer {
    ViewStatus status = ViewStatus::Malformed;
    uint32_t http_status = 0;  // is_view_status, where Answered
    uint64_t tag = 0;          // a hash of the body; 0: it has none
};

static_assert(sizeof(ViewHeader) == 16 && sizeof(ViewAnswer) == 16);

constexpr size_t kMaxViewTags = 8;      // in one question
constexpr size_t kMaxViewName = 64;     // bytes
constexpr size_t kMaxViewItem = 1024;   // likewise
constexpr size_t kMaxViewQuery = 1024;  // likewise
constexpr size_t kMaxViewBody = 8 << 20;

// A view's name: what is in front of the first `/` where there is an item.
inline bool is_view_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxViewName && is_utf8(name) &&
           !has_control_characters(name) && name.find('/') == std::string_view::npos;
}

// May be empty: the view as a whole.
inline bool is_view_item(std::string_view item) {
    return item.size() <= kMaxViewItem && is_utf8(item) && !has_control_characters(item);
}

// Those of answers that have a body: 200, 400 to 599.
inline bool is_view_status(uint32_t status) {
    return status == 200 || (status >= 400 && status <= 599);
}

// The caller keeps to the bounds.
inline std::string encode(const ViewQuestion& question) {
    ViewHeader header;
    header.flush = question.flush ? 1 : 0;
    header.tag_count = static_cast<uint32_t>(question.tags.size());
    header.name_length = static_cast<uint16_t>(question.name.size());
    header.item_length = static_cast<uint16_t>(question.item.size());
    header.query_length = static_cast<uint16_t>(question.query.size());
    std::string out;
    append_bytes(out, Kind::View);
    append_bytes(out, header);
    for (const uint64_t tag : question.tags)
        append_bytes(out, tag);
    return out.append(question.name).append(question.item).append(question.query);
}

// What is behind the kind.
inline bool decode(std::string_view bytes, ViewQuestion& question) {
    ViewHeader header;
    if (!take_bytes(bytes, header) || header.flush > 1 || header.tag_count > kMaxViewTags ||
        header.query_length > kMaxViewQuery || header.reserved != 0)
        return false;
    question.flush = header.flush == 1;
    question.tags.resize(header.tag_count);
    for (uint64_t& tag : question.tags) {
        if (!take_bytes(bytes, tag))
            return false;
    }
    std::string_view name, item, query;
    if (!take_text(bytes, header.name_length, name) ||
        !take_text(bytes, header.item_length, item) ||
        !take_text(bytes, header.query_length, query) || !bytes.empty() || !is_view_name(name) ||
        !is_view_item(item))
        return false;
    question.name = name;
    question.item = item;
    question.query = query;
    return true;
}

// The answer's head off the front of its bytes; what is left is the body.
inline bool take_view_answer(std::string_view& bytes, ViewAnswer& answer) {
    if (!take_bytes(bytes, answer) || bytes.size() > kMaxViewBody)
        return false;
    if (answer.status == ViewStatus::Answered)
        return is_view_status(answer.http_status);
    return bytes.empty() &&
           (answer.status == ViewStatus::NotModified || answer.status == ViewStatus::Malformed);
}

}  // namespace herald::ring::questions
