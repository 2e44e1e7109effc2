// Lines end with CR, LF or CRLF. A whole line in a chunk is read where it lies; only what a chunk's
// end cuts is copied.
#include "sidecar/cli/sse_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace herald::cli {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// CR is rare: it is looked for only in front of the next LF.
size_t line_end(std::string_view bytes) {
    const size_t lf = std::min(bytes.find('\n'), bytes.size());
    const void* cr = lf == 0 ? nullptr : std::memchr(bytes.data(), '\r', lf);
    return cr == nullptr ? lf : static_cast<size_t>(static_cast<const char*>(cr) - bytes.data());
}

bool all_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool SseParser::feed(std::string_view bytes, const std::function<bool(const Received&)>& hear) {
    while (!bytes.empty()) {
        if (std::exchange(after_cr_, false) && bytes.front() == '\n')
            bytes.remove_prefix(1);
        const size_t end = line_end(bytes);
        if (end == bytes.size()) {
            keep(bytes);
            return true;
        }
        after_cr_ = bytes[end] == '\r';

        std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(end + 1);
        if (!line_.empty()) {
            keep(line);
            line = line_;
        }
        const bool goes_on = end_line(line, hear);
        line_.clear();
        if (!goes_on)
            return false;
    }
    return true;
}

// Of a line that is too long, what is enough to see that.
void SseParser::keep(std::string_view part) {
    line_.append(part.substr(0, max_line() + 1 - line_.size()));
}

bool SseParser::end_line(std::string_view line, const std::function<bool(const Received&)>& hear) {
    const bool too_long = line.size() > max_line();
    if (first_line_ && line.starts_with(kByteOrderMark))
        line.remove_prefix(kByteOrderMark.size());
    first_line_ = false;
    if (too_long) {
        if (line.starts_with("data:"))
            has_data_ = too_long_ = true;
        return true;
    }
    if (line.empty())
        return dispatch(hear);

    const size_t colon = line.find(':');
    if (colon == 0)
        return true;  // a comment
    std::string_view value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' '))
        value.remove_prefix(1);
    field(line.substr(0, colon), value);
    return true;
}

void SseParser::field(std::string_view name, std::string_view value) {
    if (name == "data") {
        const size_t joint = has_data_ ? 1 : 0;
        has_data_ = true;
        if (data_.size() + joint + value.size() > max_event_)
            too_long_ = true;
        else if (!too_long_)
            data_.append(joint, '\n').append(value);
    } else if (name == "event") {
        event_ = value;
    } else if (name == "id") {
        if (value.find('\0') != value.npos)
            return;
        id_ = value;
        own_id_ = !value.empty();
    } else if (name == "retry" && all_digits(value)) {
        uint64_t ms = 0;
        const auto result = std::from_chars(value.data(), value.data() + value.size(), ms);
        retry_ms_ = result.ec == std::errc() ? ms : UINT64_MAX;
    }
}

bool SseParser::dispatch(const std::function<bool(const Received&)>& hear) {
    last_id_ = id_;
    bool goes_on = true;
    if (has_data_) {
        Received event;
        event.event = event_;
        event.too_long = too_long_;
        if (!too_long_)
            event.data = data_;
        if (own_id_)
            event.id = last_id_;
        goes_on = hear(event);
    }
    data_.clear();
    event_.clear();
    has_data_ = too_long_ = own_id_ = false;
    return goes_on;
}

}  // namespace herald::cli
