#include "token_scan.hpp"

#include <algorithm>
#include <string>

#include "jwt/base64url.hpp"
#include "jwt/eight_bytes.hpp"

namespace herald {

namespace {

constexpr std::string_view kOffer = "bearer.";

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_visible(char c) {
    return c > 0x20 && c < 0x7f;
}

bool is_all_visible(std::string_view text) {
    for (; text.size() >= 8; text.remove_prefix(8)) {
        const uint64_t word = jwt::load_eight(text.data());
        if ((jwt::bytes_below(word, 0x21) | jwt::bytes_equal(word, 0x7f) |
             jwt::bytes_not_ascii(word)) != 0)
            return false;
    }
    return std::all_of(text.begin(), text.end(), is_visible);
}

constexpr bool same_in_any_case(std::string_view text, std::string_view lowered) {
    return std::equal(text.begin(), text.end(), lowered.begin(), lowered.end(),
                      [](char a, char b) { return lower(a) == b; });
}

constexpr std::string_view trim(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// Cuts the next element of a list off its front; false behind the last.
bool next_element(std::string_view& list, char separator, std::string_view& element, bool& more) {
    if (!more)
        return false;
    const size_t end = list.find(separator);
    element = trim(list.substr(0, end));
    more = end != std::string_view::npos;
    if (more)
        list.remove_prefix(end + 1);
    return true;
}

constexpr int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Takes one byte, percent-decoded, off the front of `text`, which must not be empty; an escape that
// is broken stands for itself, and is told by `broken`.
char take_decoded(std::string_view& text, bool& broken) {
    const char c = text.front();
    if (c == '%') {
        const int high = text.size() > 2 ? hex_digit(text[1]) : -1;
        const int low = text.size() > 2 ? hex_digit(text[2]) : -1;
        if (high >= 0 && low >= 0) {
            text.remove_prefix(3);
            return static_cast<char>(high << 4 | low);
        }
        broken = true;
    }
    text.remove_prefix(1);
    return c;
}

// The length of `name`, as it is spelled at the front of `text` in any case and encoding, if an
// equals sign follows; else 0.
size_t spelled(std::string_view text, std::string_view name) {
    std::string_view rest = text;
    bool broken = false;
    for (char c : name) {
        if (rest.empty() || lower(take_decoded(rest, broken)) != c)
            return 0;
    }
    return !rest.empty() && rest.front() == '=' ? text.size() - rest.size() : 0;
}

size_t spelled(std::string_view text, std::span<const std::string_view> names) {
    for (std::string_view name : names) {
        if (const size_t length = spelled(text, name))
            return length;
    }
    return 0;
}

// RFC 6265, section 4.1.1
constexpr bool is_cookie_octet(char c) {
    return is_visible(c) && c != '"' && c != ',' && c != ';' && c != '\\';
}

constexpr std::string_view text_of(std::span<char> text) {
    return {text.data(), text.size()};
}

void fill(std::span<char> text) {
    std::fill(text.begin(), text.end(), '*');
}

}  // namespace

Scan scan_bearer(std::string_view authorization, std::string_view& token) {
    constexpr std::string_view kScheme = "bearer";
    authorization = trim(authorization);
    const size_t end = authorization.find_first_of(" \t");
    if (!same_in_any_case(authorization.substr(0, end), kScheme))
        return Scan::None;
    if (end == std::string_view::npos)
        return Scan::Malformed;
    const std::string_view rest = trim(authorization.substr(end));
    if (!is_all_visible(rest))
        return Scan::Malformed;
    token = rest;
    return Scan::One;
}

Scan scan_cookie(std::string_view header, std::string_view name, std::string_view& value) {
    Scan found = value.empty() ? Scan::None : Scan::One;
    bool more = true;
    std::string_view pair;
    while (next_element(header, ';', pair, more)) {
        if (pair.size() <= name.size() || pair[name.size()] != '=' || !pair.starts_with(name))
            continue;
        std::string_view text = pair.substr(name.size() + 1);
        if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
            text = text.substr(1, text.size() - 2);
        if (text.empty())
            continue;
        if (!std::all_of(text.begin(), text.end(), is_cookie_octet))
            return Scan::Malformed;
        if (found == Scan::One && text != value)
            return Scan::Several;
        value = text;
        found = Scan::One;
    }
    return found;
}

Scan scan_query(std::string_view query, std::span<const std::string_view> names,
                std::string_view& value) {
    Scan found = Scan::None;
    while (!query.empty()) {
        const size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        if (const size_t length = spelled(pair, names); length != 0 && length + 1 < pair.size()) {
            if (found == Scan::One)
                return Scan::Several;
            found = Scan::One;
            value = pair.substr(length + 1);
        }
        if (end == std::string_view::npos)
            break;
        query.remove_prefix(end + 1);
    }
    return found;
}

std::optional<size_t> decode_query_token(std::string_view raw, char* out) {
    size_t length = 0;
    bool broken = false;
    while (!raw.empty()) {
        const char c = take_decoded(raw, broken);
        if (broken || !is_visible(c))
            return std::nullopt;
        out[length++] = c;
    }
    return length;
}

Scan scan_subprotocols(std::string_view header, std::string_view& encoded) {
    Scan found = Scan::None;
    bool more = true;
    std::string_view offer;
    while (next_element(header, ',', offer, more)) {
        if (!offer.starts_with(kOffer))
            continue;
        if (found == Scan::One)
            return Scan::Several;
        encoded = offer.substr(kOffer.size());
        found = Scan::One;
    }
    return found;
}

std::optional<size_t> decode_subprotocol_token(std::string_view encoded, char* out) {
    std::string token;
    if (encoded.empty() || !jwt::decode_base64url(encoded, token))
        return std::nullopt;
    if (!is_all_visible(token))
        return std::nullopt;
    std::copy(token.begin(), token.end(), out);
    return token.size();
}

namespace {

// Masks the values of a text that begins with a pair. What a server takes for a separator differs:
// more than `&` begins a pair (a blank in a broken request line), and `&` alone ends a value.
void mask_pairs(std::span<char> text, std::span<const std::string_view> names) {
    for (size_t at = 0; at < text.size();) {
        const std::string_view rest = text_of(text).substr(at);
        if (const size_t length = spelled(rest, names)) {
            const size_t end = std::min(rest.find('&'), rest.size());
            fill(text.subspan(at + length + 1, end - length - 1));
            at += end;
        } else {
            at += std::min(rest.find_first_of("&?;# "), rest.size());
        }
        ++at;
    }
}

}  // namespace

void mask_query(std::span<char> query, std::span<const std::string_view> names) {
    mask_pairs(query, names);
}

void mask_uri(std::span<char> uri, std::span<const std::string_view> names) {
    // Of every request: without the call of a library for each byte that find_first_of makes.
    const auto start =
        std::find_if(uri.begin(), uri.end(), [](char c) { return c == '?' || c == '#'; });
    if (start != uri.end())
        mask_pairs({start + 1, uri.end()}, names);
}

void mask_request_line(std::span<char> line, std::span<const std::string_view> names) {
    const size_t version = text_of(line).rfind(" HTTP/");
    mask_uri(version == std::string_view::npos ? line : line.first(version), names);
}

void mask_subprotocols(std::span<char> header) {
    for (size_t at = 0; at < header.size();) {
        const std::string_view rest = text_of(header).substr(at);
        const size_t end = std::min(rest.find(','), rest.size());
        const size_t blanks = std::min(rest.find_first_not_of(" \t"), end);
        // A client that spells it otherwise has no token here, but a log would have its.
        if (same_in_any_case(rest.substr(blanks, end - blanks).substr(0, kOffer.size()), kOffer)) {
            const size_t from = blanks + kOffer.size();
            fill(header.subspan(at + from, end - from));
        }
        at += end + 1;
    }
}

namespace {

// Whether nginx goes on like this behind something that it has quoted.
bool follows_quotation(std::string_view rest) {
    if (rest.empty() || rest.front() == '\n')
        return true;
    constexpr std::string_view kNext[] = {", client: ", ", previous value: ", " while "};
    return std::any_of(std::begin(kNext), std::end(kNext),
                       [rest](std::string_view next) { return rest.starts_with(next); });
}

// Where an argument's value inside a log line ends. Clients may write quotes, and blanks that make
// their request wrong: a quotation ends where nginx goes on.
size_t end_of_logged(std::string_view text, bool quoted) {
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const std::string_view rest = text.substr(i + 1);
        if (c == '&' || c == '\n' || (!quoted && c == ' ') ||
            (c == '"' && (rest.empty() || rest.front() == ' ' || rest.front() == '\n' ||
                          rest.starts_with(", "))) ||
            (c == ' ' && rest.starts_with("HTTP/")))
            return i;
    }
    return text.size();
}

void mask_logged_arguments(std::span<char> line, std::span<const std::string_view> names) {
    constexpr std::string_view kBefore = "?&;#\" ,'(";
    bool quoted = false;
    for (size_t at = 0; at < line.size(); ++at) {
        const std::string_view rest = text_of(line).substr(at);
        if (kBefore.find(line[at]) == std::string_view::npos)
            continue;
        quoted ^= line[at] == '"';
        const size_t length = spelled(rest.substr(1), names);
        if (length == 0)
            continue;
        const size_t from = length + 2;
        const size_t end = end_of_logged(rest.substr(from), quoted);
        fill(line.subspan(at + from, end));
        at += from + end - 1;
    }
}

// Where a header line inside a log line ends.
size_t end_of_quotation(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' || text[i] == '\n' ||
            (text[i] == '"' && follows_quotation(text.substr(i + 1))))
            return i;
    }
    return text.size();
}

// Where the value of a header line begins. Without a colon nothing tells a name: all is value.
size_t start_of_value(std::string_view header) {
    const size_t colon = header.find(':');
    return colon == std::string_view::npos ? 0 : header.find_first_not_of(' ', colon + 1);
}

// Masks the value of the header line that begins at `at`.
void mask_logged_header(std::span<char> line, size_t at) {
    std::string_view text = text_of(line).substr(at);
    text = text.substr(0, end_of_quotation(text));
    const size_t from = start_of_value(text);
    if (from != std::string_view::npos)
        fill(line.subspan(at + from, text.size() - from));
}

// Whether a header line with one of these names begins here.
bool is_header_line(std::string_view text, std::span<const std::string_view> headers) {
    return std::any_of(headers.begin(), headers.end(), [&](std::string_view name) {
        return text.size() > name.size() && text[name.size()] == ':' &&
               same_in_any_case(text.substr(0, name.size()), name);
    });
}

// nginx quotes a header line that it finds wrong; its name may be a secret one, misspelled.
void mask_wrong_header(std::span<char> line) {
    constexpr std::string_view kLines[] = {"client sent invalid header",
                                           "client sent too long header",
                                           "client sent duplicate header"};
    const std::string_view text = text_of(line);
    for (std::string_view begin : kLines) {
        const size_t at = text.find(begin);
        const size_t quote = at == std::string_view::npos ? at : text.find('"', at);
        if (quote == std::string_view::npos)
            continue;
        // HTTP/2 and 3 quote the name alone.
        const std::string_view header = text.substr(quote + 1);
        if (text.substr(at + begin.size()).starts_with(" line") ||
            header.substr(0, end_of_quotation(header)).find(':') != std::string_view::npos)
            mask_logged_header(line, quote + 1);
        return;
    }
    // HTTP/2 and 3: client sent header "NAME" with invalid value: "VALUE"
    constexpr std::string_view kValue = "\" with invalid value: \"";
    const size_t at = text.find(kValue);
    if (at == std::string_view::npos)
        return;
    const size_t from = at + kValue.size();
    fill(line.subspan(from, end_of_quotation(text.substr(from))));
}

void mask_logged_headers(std::span<char> line, std::span<const std::string_view> headers) {
    mask_wrong_header(line);
    for (size_t at = 0; at + 1 < line.size(); ++at) {
        if ((line[at] == '"' || line[at] == '\n') &&
            is_header_line(text_of(line).substr(at + 1), headers))
            mask_logged_header(line, at + 1);
    }
}

}  // namespace

void mask_log_line(std::span<char> line, std::span<const std::string_view> names,
                   std::span<const std::string_view> headers) {
    mask_logged_headers(line, headers);
    mask_logged_arguments(line, names);
}

}  // namespace herald
