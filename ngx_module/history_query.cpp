#include "history_query.hpp"

#include <algorithm>
#include <charconv>

#include "ring/hash.hpp"
#include "ring/timestamp.hpp"

namespace herald {

namespace questions = ring::questions;

namespace {

constexpr uint32_t kMaxLimit = 1000;                // events
constexpr uint32_t kMaxAnswer = 4 * 1024 * 1024;    // bytes of one answer's items
constexpr uint64_t kTagSeed = 0x68657261'6c643031;  // tags outlive workers and rings

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 3986, section 2.1; what is no escape stays.
std::string decode_percent(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out.push_back(static_cast<char>(high << 4 | low));
                i += 2;
                continue;
            }
        }
        out.push_back(text[i]);
    }
    return out;
}

// A time as a client may have put it into a URL: forms write a space as '+', others forget to
// escape the '+' of an offset.
std::optional<int64_t> parse_since(const std::string& text) {
    if (const auto time = ring::parse_time(text))
        return time;
    std::string spaced = text;
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    if (const auto time = ring::parse_time(spaced))
        return time;
    // A space between date and time, and the '+' of the offset.
    constexpr size_t kDateLength = 10;
    if (text.size() <= kDateLength || text[kDateLength] != '+')
        return std::nullopt;
    spaced = text;
    spaced[kDateLength] = ' ';
    return ring::parse_time(spaced);
}

bool parse_limit(std::string_view text, uint32_t& limit) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, limit);
    return parsed.ec == std::errc{} && parsed.ptr == end && limit >= 1 && limit <= kMaxLimit;
}

void append_id_or_null(std::string& out, std::optional<EventId> id) {
    if (id)
        out.append("\"").append(ring::to_string(*id)).append("\"");
    else
        out.append("null");
}

// Seconds with milliseconds.
void append_seconds(std::string& out, uint64_t ms) {
    const std::string fraction = std::to_string(ms % 1000);
    out.append(std::to_string(ms / 1000)).append(".");
    out.append(3 - fraction.size(), '0').append(fraction);
}

}  // namespace

std::string_view parse_arguments(const HistoryArguments& arguments, HistoryQuery& query) {
    query.since = decode_percent(arguments.since);
    if (!query.since.empty()) {
        query.since_us = parse_since(query.since);
        if (!query.since_us)
            return "Invalid 'since' timestamp format. Use ISO 8601 format.";
    }
    if (!arguments.after.empty()) {
        query.after = ring::parse_id(decode_percent(arguments.after));
        if (!query.after)
            return "Invalid 'after': expected an event id such as 7f3a2c01-42.";
    }
    if (!arguments.limit.empty() && !parse_limit(decode_percent(arguments.limit), query.limit))
        return "Invalid 'limit': expected a number from 1 to 1000.";
    return {};
}

Place place_of(const std::optional<EventId>& after, const LogView& log) {
    if (!after)
        return {};
    if (after->log != log.log) {
        const bool earlier = std::find(log.past_logs.begin(), log.past_logs.end(), after->log) !=
                             log.past_logs.end();
        return {0, earlier ? GapReason::Evicted : GapReason::UnknownId};
    }
    if (after->seq > log.newest_seq)
        return {0, GapReason::UnknownId};
    return {after->seq, std::nullopt};
}

questions::HistoryQuestion make_question(const std::string& channel, const HistoryQuery& query,
                                         const Place& place, uint64_t up_to_seq,
                                         uint64_t known_seq) {
    questions::HistoryQuestion question;
    questions::HistoryRange& range = question.range;
    range.order =
        query.after || query.since_us ? questions::Order::Forward : questions::Order::Newest;
    range.limit = query.limit;
    range.max_bytes = kMaxAnswer;
    range.after_seq = place.after_seq;
    range.up_to_seq = up_to_seq;
    if (query.since_us)
        range.since_us = *query.since_us;
    range.known_seq = known_seq;
    question.channels.push_back(channel);
    return question;
}

bool decode_page(std::string_view bytes, HistoryPage& page) {
    if (!questions::take_bytes(bytes, page.header))
        return false;
    page.events.reserve(std::min(page.header.count, kMaxLimit));
    for (uint32_t i = 0; i < page.header.count; ++i) {
        questions::HistoryItemView item;
        if (!questions::take_item(bytes, item))
            return false;
        if (item.header.kind == ring::Kind::Event)
            page.events.push_back(item);
    }
    return bytes.empty();
}

std::string history_json(const HistoryQuery& query, const Place& place, uint32_t log,
                         const HistoryPage& page, uint64_t now_ms) {
    constexpr size_t kFrame = 512;  // more than everything but the events and `since`
    size_t size = kFrame + 6 * query.since.size();
    for (const auto& event : page.events)
        size += event.data.size() + 1;
    std::string out;
    out.reserve(size);

    out.append(R"({"events":[)");
    for (const auto& event : page.events) {
        if (&event != &page.events.front())
            out.push_back(',');
        out.append(event.data);
    }
    out.append(R"(],"count":)").append(std::to_string(page.events.size()));
    out.append(R"(,"has_more":)").append(page.header.more != 0 ? "true" : "false");
    out.append(R"(,"last_event_id":)");
    std::optional<EventId> last;
    if (!page.events.empty())
        last = EventId{log, page.events.back().header.seq};
    append_id_or_null(out, last);
    out.append(R"(,"since":)");
    if (query.since.empty()) {
        out.append("null");
    } else {
        out.push_back('"');
        append_json_text(out, query.since);
        out.push_back('"');
    }
    out.append(R"(,"timestamp":)");
    append_seconds(out, now_ms);

    const bool pruned = query.after && page.header.lost_seq != 0;
    if (place.gap || pruned) {
        out.append(R"(,"gap":)");
        out.append(gap_data(place.gap.value_or(GapReason::Evicted), query.after,
                            {log, page.header.lost_seq}));
    }
    return out.append("}");
}

uint64_t hash_query(std::string_view channel, const HistoryQuery& query) {
    std::string text(channel);
    text.push_back('\0');  // in none of the parts
    text.append(query.since).push_back('\0');
    if (query.after)
        text.append(ring::to_string(*query.after));
    text.push_back('\0');
    text.append(std::to_string(query.limit));
    return ring::hash_channel(text, kTagSeed);
}

std::string make_tag(EventId newest, uint64_t hash) {
    std::string tag = "W/\"";
    tag.append(ring::to_string(newest)).append("-");
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, hash, 16).ptr;
    return tag.append(digits, end).append("\"");
}

std::optional<EventId> find_tag(std::string_view if_none_match, uint64_t hash) {
    for (;;) {
        const size_t start = if_none_match.find('"');
        if (start == std::string_view::npos)
            return std::nullopt;
        if_none_match.remove_prefix(start + 1);
        const size_t length = if_none_match.find('"');
        if (length == std::string_view::npos)
            return std::nullopt;
        const std::string_view tag = if_none_match.substr(0, length);
        if_none_match.remove_prefix(length + 1);

        const size_t hyphen = tag.rfind('-');
        if (hyphen == std::string_view::npos)
            continue;
        const auto id = ring::parse_id(tag.substr(0, hyphen));
        if (id && make_tag(*id, hash).substr(3, length) == tag)
            return id;
    }
}

}  // namespace herald
