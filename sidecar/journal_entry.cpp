// Written and read millions of times: texts of fixed form are compared and copied as a whole, and
// the text of the last second is kept.
#include "sidecar/journal_entry.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "ring/names.hpp"
#include "ring/utf8.hpp"
#include "sidecar/text_cursor.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kIdStart = R"({"id":")";
constexpr std::string_view kAtStart = R"(","at":")";
constexpr std::string_view kChannelStart = R"(","channel":")";
constexpr std::string_view kEventStart = R"(","event":")";
constexpr std::string_view kEnd = R"(","end":true,"data":)";
constexpr std::string_view kData = R"(","data":)";
constexpr std::string_view kNoticeStart = R"(","notice":")";
constexpr std::string_view kFromStart = R"(","from":")";
constexpr std::string_view kNoticeEnd = R"("})";

constexpr size_t kSecondLength = 19;               // of `2026-11-21T10:00:00`
constexpr size_t kTimeLength = kSecondLength + 5;  // and `.123Z`
constexpr uint64_t kLastMs = 253402300799999;      // of the year 9999
constexpr uint64_t kLastSeq = uint64_t{1} << 63;   // exclusive; SQLite's integers end there, too

struct Notice {
    ring::Kind kind;
    std::string_view name;
    bool has_from;
};

constexpr Notice kNotices[] = {
    {ring::Kind::RedisLost, "redis_lost", false},
    {ring::Kind::RedisBack, "redis_back", true},
    {ring::Kind::Away, "away", false},
    {ring::Kind::Gap, "gap", true},
};

// -- time

// The text of a second, and that second, as this thread has last met them.
struct KnownSecond {
    uint64_t second = UINT64_MAX;
    char text[kSecondLength] = {};
};

void put_digits(char* out, uint32_t value, int count) {
    while (count-- > 0) {
        out[count] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

void format_second(KnownSecond& known, uint64_t second) {
    using namespace std::chrono;
    const sys_seconds time{seconds{second}};
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    std::memcpy(known.text, "0000-00-00T00:00:00", kSecondLength);
    put_digits(known.text, static_cast<uint32_t>(static_cast<int>(date.year())), 4);
    put_digits(known.text + 5, static_cast<unsigned>(date.month()), 2);
    put_digits(known.text + 8, static_cast<unsigned>(date.day()), 2);
    put_digits(known.text + 11, static_cast<uint32_t>(clock.hours().count()), 2);
    put_digits(known.text + 14, static_cast<uint32_t>(clock.minutes().count()), 2);
    put_digits(known.text + 17, static_cast<uint32_t>(clock.seconds().count()), 2);
    known.second = second;
}

char* put_time(char* out, uint64_t ms) {
    thread_local KnownSecond known;
    ms = std::min(ms, kLastMs);
    if (known.second != ms / 1000)
        format_second(known, ms / 1000);
    std::memcpy(out, known.text, kSecondLength);
    out[kSecondLength] = '.';
    put_digits(out + kSecondLength + 1, static_cast<uint32_t>(ms % 1000), 3);
    out[kTimeLength - 1] = 'Z';
    return out + kTimeLength;
}

// Reads `count` digits; false where one is none.
bool read_digits(const char* text, int count, uint32_t& value) {
    value = 0;
    for (int i = 0; i < count; ++i) {
        const uint32_t digit = static_cast<unsigned char>(text[i]) - uint32_t{'0'};
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    return true;
}

bool parse_second(const char* text, KnownSecond& known) {
    using namespace std::chrono;
    uint32_t y, mo, d, h, mi, s;
    if (!read_digits(text, 4, y) || text[4] != '-' || !read_digits(text + 5, 2, mo) ||
        text[7] != '-' || !read_digits(text + 8, 2, d) || text[10] != 'T' ||
        !read_digits(text + 11, 2, h) || text[13] != ':' || !read_digits(text + 14, 2, mi) ||
        text[16] != ':' || !read_digits(text + 17, 2, s))
        return false;
    const year_month_day date{year{static_cast<int>(y)}, month{mo}, day{d}};
    if (y < 1970 || !date.ok() || h > 23 || mi > 59 || s > 59)
        return false;

    const auto time = sys_days{date} + hours{h} + minutes{mi} + seconds{s};
    known.second = static_cast<uint64_t>(duration_cast<seconds>(time.time_since_epoch()).count());
    std::memcpy(known.text, text, kSecondLength);
    return true;
}

bool take_time(TextCursor& in, uint64_t& ms) {
    thread_local KnownSecond known;
    std::string_view text;
    uint32_t fraction;
    if (!in.take(kTimeLength, text) || text[kSecondLength] != '.' || text.back() != 'Z' ||
        !read_digits(text.data() + kSecondLength + 1, 3, fraction))
        return false;
    if ((known.second == UINT64_MAX || std::memcmp(text.data(), known.text, kSecondLength) != 0) &&
        !parse_second(text.data(), known))
        return false;
    ms = known.second * 1000 + fraction;
    return true;
}

// -- ids and names

char* put(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

bool take_id(TextCursor& in, ring::EventId& id) {
    std::string_view text;
    if (!in.take_until('"', text))
        return false;
    const auto parsed = ring::parse_id(text);
    if (!parsed || parsed->seq >= kLastSeq)
        return false;
    id = *parsed;
    return true;
}

bool needs_escape(char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// Takes a name up to its closing quote, which stays. `memory` holds it where it had escapes.
bool take_name(TextCursor& in, size_t max_length, std::string& memory, std::string_view& name) {
    size_t stop = 0;
    while (stop < in.rest.size() && in.rest[stop] != '"' && in.rest[stop] != '\\')
        ++stop;
    if (stop == in.rest.size())
        return false;
    if (in.rest[stop] == '"') {
        in.take(stop, name);
    } else {
        memory.clear();
        size_t at = 0;
        for (; at < in.rest.size() && in.rest[at] != '"'; ++at) {
            if (in.rest[at] == '\\' &&
                (++at == in.rest.size() || (in.rest[at] != '"' && in.rest[at] != '\\')))
                return false;
            memory += in.rest[at];
        }
        in.rest.remove_prefix(at);
        name = memory;
    }
    return !name.empty() && name.size() <= max_length && !ring::has_control_characters(name);
}

const Notice* find_notice(ring::Kind kind) {
    const auto* found = std::find_if(std::begin(kNotices), std::end(kNotices),
                                     [kind](const Notice& notice) { return notice.kind == kind; });
    return found == std::end(kNotices) ? nullptr : found;
}

// `rest`: from the notice's name on.
bool parse_notice(std::string_view rest, JournalEntry& entry) {
    TextCursor in{rest};
    std::string_view name;
    if (!in.take_until('"', name))
        return false;
    for (const Notice& notice : kNotices) {
        if (notice.name != name)
            continue;
        entry.kind = notice.kind;
        ring::EventId from;
        if (notice.has_from) {
            if (!in.take(kFromStart) || !take_id(in, from) || from.log != entry.id.log ||
                from.seq >= entry.id.seq)
                return false;
            entry.from_seq = from.seq;
        }
        return in.rest == kNoticeEnd;
    }
    return false;
}

}  // namespace

// Names have no control characters (ring/names.hpp). Should one come all the same, the line is at
// least JSON.
void append_escaped(std::string& out, std::string_view text) {
    for (;;) {
        const auto special = std::find_if(text.begin(), text.end(), needs_escape);
        const auto plain = static_cast<size_t>(special - text.begin());
        out.append(text.substr(0, plain));
        if (special == text.end())
            return;
        const auto byte = static_cast<unsigned char>(*special);
        if (byte < 0x20) {
            out += "\\u00";
            out += "0123456789abcdef"[byte >> 4];
            out += "0123456789abcdef"[byte & 15];
        } else {
            out += '\\';
            out += *special;
        }
        text.remove_prefix(plain + 1);
    }
}

void append_time(std::string& out, uint64_t ms) {
    char text[kTimeLength];
    out.append(text, put_time(text, ms));
}

LineParts append_line(std::string& out, const JournalEntry& entry) {
    // Room for the fixed texts, two ids, the time and the name of a notice.
    char head[192];
    char* at = put(head, kIdStart);
    at = ring::format_id(entry.id, at);
    at = put(at, kAtStart);
    at = put_time(at, entry.at_ms);

    LineParts parts;
    if (const Notice* notice = find_notice(entry.kind)) {
        at = put(at, kNoticeStart);
        at = put(at, notice->name);
        if (notice->has_from) {
            at = put(at, kFromStart);
            at = ring::format_id({entry.id.log, entry.from_seq}, at);
        }
        at = put(at, kNoticeEnd);
        *at++ = '\n';
        out.append(head, at);
        parts.data = out.size();
        return parts;
    }

    at = put(at, kChannelStart);
    out.append(head, at);
    append_escaped(out, entry.channel);
    if (!entry.event.empty()) {
        out.append(kEventStart);
        append_escaped(out, entry.event);
    }
    out.append(entry.ends ? kEnd : kData);
    parts.data = out.size();
    out.append(entry.data);
    out.append("}\n");
    return parts;
}

std::optional<uint64_t> leading_seq(std::string_view line) {
    constexpr size_t kDigits = kIdStart.size() + 9;  // behind the log and the hyphen
    if (!line.starts_with(kIdStart) || line.size() <= kDigits || line[kDigits - 1] != '-')
        return std::nullopt;
    uint64_t seq = 0;
    const char* end = line.data() + line.size();
    const auto parsed = std::from_chars(line.data() + kDigits, end, seq);
    if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != '"')
        return std::nullopt;
    return seq;
}

bool LineParser::parse(std::string_view line, JournalEntry& entry) {
    entry = {};
    TextCursor in{line};
    if (!in.take(kIdStart) || !take_id(in, entry.id) || entry.id.seq == 0 || !in.take(kAtStart) ||
        !take_time(in, entry.at_ms))
        return false;
    if (in.take(kChannelStart))
        return ring::is_utf8(line) && parse_event(in.rest, entry);
    return in.take(kNoticeStart) && parse_notice(in.rest, entry);
}

// `rest`: from the channel's name on.
bool LineParser::parse_event(std::string_view rest, JournalEntry& entry) {
    TextCursor in{rest};
    if (!take_name(in, ring::kMaxChannelLength, channel_, entry.channel))
        return false;
    if (in.take(kEventStart) && !take_name(in, ring::kMaxEventLength, event_, entry.event))
        return false;
    entry.ends = in.take(kEnd);
    if ((!entry.ends && !in.take(kData)) || !in.rest.ends_with('}'))
        return false;

    entry.data = in.rest.substr(0, in.rest.size() - 1);
    return entry.data.find('\r') == entry.data.npos && entry.data.find('\n') == entry.data.npos &&
           scanner_.scan(entry.data, {});
}

}  // namespace herald::sidecar
