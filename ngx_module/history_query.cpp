#include "history_query.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "ring/hash.hpp"
#include "ring/timestamp.hpp"
#include "ring/utf8.hpp"

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
std::optional<int64_t> parse_url_time(const std::string& text) {
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

// A text as forms write it, a space as '+'. False: it is too long, or no UTF-8.
bool parse_text(std::string_view argument, std::string& text) {
    std::string spaced(argument);
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    text = decode_percent(spaced);
    ring::Utf8 utf8;
    return text.size() <= questions::kMaxSearched &&
           utf8.feed(reinterpret_cast<const unsigned char*>(text.data()), text.size()) &&
           utf8.complete();
}

bool parse_texts(const std::vector<std::string_view>& arguments, std::vector<std::string>& texts) {
    texts.resize(arguments.size());
    for (size_t i = 0; i < arguments.size(); ++i) {
        if (!parse_text(arguments[i], texts[i]))
            return false;
    }
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return texts.size() <= questions::kMaxAlternatives;
}

// Returns what is wrong.
std::string_view parse_search(const HistoryArguments& arguments, questions::HistorySearch& search) {
    if (!arguments.until.empty()) {
        const auto until_us = parse_url_time(decode_percent(arguments.until));
        if (!until_us)
            return "Invalid 'until' timestamp format. Use ISO 8601 format.";
        search.until_us = *until_us;
    }
    if (!parse_texts(arguments.types, search.types))
        return "Invalid 'type': expected at most 16 of up to 256 bytes of UTF-8 each.";
    if (!parse_texts(arguments.stages, search.stages))
        return "Invalid 'stage': expected at most 16 of up to 256 bytes of UTF-8 each.";
    if (!parse_texts(arguments.statuses, search.statuses))
        return "Invalid 'status': expected at most 16 of up to 256 bytes of UTF-8 each.";
    if (!parse_text(arguments.text, search.text))
        return "Invalid 'q': expected 1 to 256 bytes of UTF-8.";
    return {};
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

// Where to go on: behind the last event, or behind the last one that a search has looked at.
std::optional<EventId> last_id(const HistoryQuery& query, uint32_t log, const HistoryPage& page) {
    if (query.is_search() && query.is_forward()) {
        if (page.header.behind_seq == 0)
            return std::nullopt;
        return EventId{log, page.header.behind_seq};
    }
    if (page.events.empty())
        return std::nullopt;
    return EventId{log, page.events.back().header.seq};
}

// Seconds with milliseconds.
void append_seconds(std::string& out, uint64_t ms) {
    const std::string fraction = std::to_string(ms % 1000);
    out.append(std::to_string(ms / 1000)).append(".");
    out.append(3 - fraction.size(), '0').append(fraction);
}

bool is_name(std::string_view text, std::string_view lower) {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
    });
}

}  // namespace

HistoryArguments split_arguments(std::string_view query) {
    HistoryArguments arguments;
    const std::pair<std::string_view, std::string_view*> once[] = {
        {"since", &arguments.since}, {"after", &arguments.after},   {"limit", &arguments.limit},
        {"until", &arguments.until}, {"before", &arguments.before}, {"q", &arguments.text}};
    const std::pair<std::string_view, std::vector<std::string_view>*> often[] = {
        {"type", &arguments.types}, {"stage", &arguments.stages}, {"status", &arguments.statuses}};
    bool seen[std::size(once)] = {};

    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        const size_t equals = pair.find('=');
        if (equals == std::string_view::npos)
            continue;
        const std::string_view name = pair.substr(0, equals);
        const std::string_view value = pair.substr(equals + 1);

        for (size_t i = 0; i < std::size(once); ++i) {
            if (is_name(name, once[i].first) && !std::exchange(seen[i], true))
                *once[i].second = value;
        }
        for (const auto& [word, list] : often) {
            if (is_name(name, word) && !value.empty())
                list->push_back(value);
        }
    }
    return arguments;
}

std::string_view parse_arguments(const HistoryArguments& arguments, HistoryQuery& query) {
    query.since = decode_percent(arguments.since);
    if (!query.since.empty()) {
        query.since_us = parse_url_time(query.since);
        if (!query.since_us)
            return "Invalid 'since' timestamp format. Use ISO 8601 format.";
    }
    if (!arguments.after.empty()) {
        query.after = ring::parse_id(decode_percent(arguments.after));
        if (!query.after)
            return "Invalid 'after': expected an event id such as 7f3a2c01-42.";
    }
    if (!arguments.before.empty()) {
        query.before = ring::parse_id(decode_percent(arguments.before));
        if (!query.before)
            return "Invalid 'before': expected an event id such as 7f3a2c01-42.";
    }
    if (!arguments.limit.empty() && !parse_limit(decode_percent(arguments.limit), query.limit))
        return "Invalid 'limit': expected a number from 1 to 1000.";
    return parse_search(arguments, query.search);
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
    range.order = query.is_forward() ? questions::Order::Forward : questions::Order::Newest;
    range.limit = query.limit;
    range.max_bytes = kMaxAnswer;
    range.after_seq = place.after_seq;
    range.up_to_seq = up_to_seq;
    if (query.since_us)
        range.since_us = *query.since_us;
    range.known_seq = known_seq;
    question.search = query.search;
    if (query.before)
        question.search.before_seq = std::max<uint64_t>(query.before->seq, 1);
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
    append_id_or_null(out, last_id(query, log, page));
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

    if (query.is_search() && !query.is_forward() && page.header.more != 0) {
        out.append(R"(,"next_before":)");
        append_id_or_null(out, EventId{log, page.header.behind_seq});
    }

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
    if (query.is_search())
        questions::append_search(text, query.search);
    if (query.before)
        text.append(ring::to_string(*query.before));
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
