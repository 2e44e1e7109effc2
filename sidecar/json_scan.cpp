// The grammar as a loop: `next_` says what may come, `inside_object_` what is open. The inside of
// strings goes by eight bytes at a time.
#include "sidecar/json_scan.hpp"

#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace herald::sidecar {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The value of one hexadecimal digit, or -1.
int hex_digit(char c) {
    if (is_digit(c))
        return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Reads four digits, which the scanner has already found to be there.
uint32_t hex4(const char* digits) {
    uint32_t unit = 0;
    for (int i = 0; i < 4; ++i)
        unit = unit << 4 | static_cast<uint32_t>(hex_digit(digits[i]));
    return unit;
}

// Which of eight bytes end a run of plain string characters (a quote, a backslash or a control
// character): the lowest bit that is set is the high bit of the first one. (Borrows can spread
// upwards from a byte that is one, so the bits above say nothing.)
uint64_t run_ends(uint64_t word) {
    constexpr uint64_t kOnes = 0x0101010101010101;
    constexpr uint64_t kHigh = 0x8080808080808080;
    auto has_zero = [](uint64_t w) { return (w - kOnes) & ~w & kHigh; };
    const uint64_t control = (word - kOnes * 0x20) & ~word & kHigh;
    return control | has_zero(word ^ kOnes * '"') | has_zero(word ^ kOnes * '\\');
}

// The first byte from `at` on that is no plain string character, or `end`.
const char* skip_plain(const char* at, const char* end) {
    while (static_cast<size_t>(end - at) >= sizeof(uint64_t)) {
        uint64_t word;
        std::memcpy(&word, at, sizeof word);
        const uint64_t ends = run_ends(word);
        if (ends != 0) {
            if constexpr (std::endian::native == std::endian::little)
                return at + std::countr_zero(ends) / 8;
            break;
        }
        at += sizeof word;
    }
    while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20)
        ++at;
    return at;
}

void append_utf8(uint32_t point, std::string& out) {
    auto tail = [&](int shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xc0 | point >> 6);
        tail(0);
    } else if (point < 0x10000) {
        out += static_cast<char>(0xe0 | point >> 12);
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xf0 | point >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

}  // namespace

bool JsonScanner::scan(std::string_view text, std::span<const std::string_view> names) {
    assert(names.size() <= kMaxNames);
    at_ = text.data();
    end_ = at_ + text.size();
    names_ = names;
    inside_object_.clear();
    next_ = Next::Value;
    wanted_ = 0;
    wanted_inside_ = 0;
    found_.fill({});

    for (;;) {
        skip_space();
        if (at_ == end_)
            return false;
        const char c = *at_;

        bool ok = false;
        switch (next_) {
            case Next::ValueOrEnd:
                ok = c == ']' ? close(false) : value(c);
                break;
            case Next::Value:
                ok = value(c);
                break;
            case Next::KeyOrEnd:
                ok = c == '}' ? close(true) : key();
                break;
            case Next::Key:
                ok = key();
                break;
            case Next::CommaOrEnd:
                if (c == ',') {
                    ++at_;
                    next_ = inside_object_.back() ? Next::Key : Next::Value;
                    ok = true;
                } else if (c == '}' || c == ']') {
                    ok = close(c == '}');
                }
                break;
        }
        if (!ok)
            return false;

        // A value that closed the last level, or that stood alone, is the whole text.
        if (next_ == Next::CommaOrEnd && inside_object_.empty()) {
            skip_space();
            return at_ == end_;
        }
    }
}

void JsonScanner::skip_space() {
    const char* at = at_;
    while (at != end_ && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        ++at;
    at_ = at;
}

bool JsonScanner::open(bool object) {
    ++at_;
    inside_object_.push_back(object);
    next_ = object ? Next::KeyOrEnd : Next::ValueOrEnd;
    return true;
}

bool JsonScanner::close(bool object) {
    if (inside_object_.back() != object)
        return false;
    ++at_;
    inside_object_.pop_back();
    next_ = Next::CommaOrEnd;
    if (wanted_inside_ != 0 && inside_object_.size() == 1)
        keep(std::exchange(wanted_inside_, 0), Member::Other, {inside_begin_, at_});
    return true;
}

bool JsonScanner::value(char first) {
    if (wanted_ != 0)
        return wanted_value(first);

    if (first == '{' || first == '[')
        return open(first == '{');
    next_ = Next::CommaOrEnd;
    std::string_view ignored;
    switch (first) {
        case '"':
            return string(ignored);
        case 't':
            return literal("true");
        case 'f':
            return literal("false");
        case 'n':
            return literal("null");
        default:
            return number();
    }
}

bool JsonScanner::wanted_value(char first) {
    const Wanted wanted = std::exchange(wanted_, 0);
    const char* begin = at_;
    if (first == '"') {
        std::string_view raw;
        next_ = Next::CommaOrEnd;
        if (!string(raw))
            return false;
        keep(wanted, Member::String, raw);
        return true;
    }

    if (!value(first))
        return false;
    if (first == '{' || first == '[') {
        wanted_inside_ = wanted;
        inside_begin_ = begin;
        return true;
    }
    const bool is_word = first == 't' || first == 'f' || first == 'n';
    keep(wanted, is_word ? Member::Other : Member::Number, {begin, at_});
    return true;
}

void JsonScanner::keep(Wanted wanted, Member kind, std::string_view raw) {
    for (size_t i = 0; i < names_.size(); ++i) {
        if ((wanted >> i & 1) != 0)
            found_[i] = {kind, raw};
    }
}

bool JsonScanner::key() {
    std::string_view raw;
    if (*at_ != '"' || !string(raw))
        return false;

    // Only a top-level member can be one looked for. Its name may be written with escapes.
    if (inside_object_.size() == 1 && !names_.empty()) {
        wanted_ = match(raw);
        if (wanted_ == 0 && has_escapes_) {
            std::string decoded;
            if (unescape_json(raw, decoded))
                wanted_ = match(decoded);
        }
    }

    skip_space();
    if (at_ == end_ || *at_ != ':')
        return false;
    ++at_;
    next_ = Next::Value;
    return true;
}

JsonScanner::Wanted JsonScanner::match(std::string_view key) const {
    Wanted wanted = 0;
    for (size_t i = 0; i < names_.size(); ++i) {
        if (key == names_[i] && !key.empty())
            wanted = static_cast<Wanted>(wanted | 1u << i);
    }
    return wanted;
}

bool JsonScanner::string(std::string_view& raw) {
    const char* const begin = at_ + 1;
    const char* at = begin;
    has_escapes_ = false;
    for (;;) {
        at = skip_plain(at, end_);
        if (at == end_ || static_cast<unsigned char>(*at) < 0x20)
            return false;
        if (*at == '"') {
            raw = {begin, static_cast<size_t>(at - begin)};
            at_ = at + 1;
            return true;
        }

        has_escapes_ = true;
        ++at;
        if (at == end_ || std::strchr("\"\\/bfnrtu", *at) == nullptr || *at == '\0')
            return false;
        if (*at++ == 'u') {
            for (int i = 0; i < 4; ++i, ++at) {
                if (at == end_ || hex_digit(*at) < 0)
                    return false;
            }
        }
    }
}

bool JsonScanner::number() {
    auto digits = [this] {
        const char* begin = at_;
        while (at_ != end_ && is_digit(*at_))
            ++at_;
        return at_ != begin;
    };

    if (*at_ == '-')
        ++at_;
    if (at_ != end_ && *at_ == '0')
        ++at_;
    else if (!digits())
        return false;

    if (at_ != end_ && *at_ == '.') {
        ++at_;
        if (!digits())
            return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
        ++at_;
        if (at_ != end_ && (*at_ == '+' || *at_ == '-'))
            ++at_;
        if (!digits())
            return false;
    }
    return true;
}

bool JsonScanner::literal(std::string_view word) {
    if (static_cast<size_t>(end_ - at_) < word.size() ||
        std::memcmp(at_, word.data(), word.size()) != 0)
        return false;
    at_ += word.size();
    return true;
}

bool unescape_json(std::string_view raw, std::string& out) {
    size_t i = 0;
    while (i < raw.size()) {
        const size_t escape = raw.find('\\', i);
        out.append(raw.substr(i, escape == raw.npos ? raw.npos : escape - i));
        if (escape == raw.npos)
            return true;

        const char kind = raw[escape + 1];
        i = escape + 2;
        if (kind != 'u') {
            constexpr std::string_view kLetters = "bfnrt";
            const size_t letter = kLetters.find(kind);
            out += letter == kLetters.npos ? kind : "\b\f\n\r\t"[letter];
            continue;
        }

        uint32_t point = hex4(raw.data() + i);
        i += 4;
        if (point >= 0xd800 && point <= 0xdfff) {
            if (point >= 0xdc00 || raw.substr(i, 2) != "\\u")
                return false;
            const uint32_t low = hex4(raw.data() + i + 2);
            if (low < 0xdc00 || low > 0xdfff)
                return false;
            i += 6;
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        }
        append_utf8(point, out);
    }
    return true;
}

}  // namespace herald::sidecar
