// Cuts a URL at its delimiters. Messages name the part that is wrong, never its text, which may be
// secret.
#include "sidecar/redis_url.hpp"

#include <sys/un.h>

#include <charconv>
#include <optional>
#include <stdexcept>

namespace herald::sidecar {

namespace {

constexpr std::string_view kForms =
    "expected redis://[user:password@]host[:port][/db] or unix:///path/to.sock[?db=N]";
constexpr uint32_t kMaxDb = 1'000'000;

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument(why);
}

std::optional<uint32_t> number(std::string_view text, uint32_t max) {
    uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (text.empty() || result.ec != std::errc{} || result.ptr != end || value > max)
        return std::nullopt;
    return value;
}

uint32_t parse_db(std::string_view text) {
    const auto db = number(text, kMaxDb);
    if (!db)
        refuse("has a database that is no number; expected for example /0");
    return *db;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned value = 0;
        const std::string_view digits = text.substr(i + 1, 2);
        const char* end = digits.data() + digits.size();
        const auto result = std::from_chars(digits.data(), end, value, 16);
        if (digits.size() != 2 || result.ec != std::errc{} || result.ptr != end)
            refuse(
                "has a `%` without two hexadecimal digits in user or password; write `%` itself "
                "as %25");
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

RedisUrl parse_unix(std::string_view rest) {
    RedisUrl url;
    url.host.clear();
    const size_t question = rest.find('?');
    if (question != rest.npos) {
        const std::string_view query = rest.substr(question + 1);
        if (!query.starts_with("db="))
            refuse("has an unknown argument behind `?`; only db=N is known");
        url.db = parse_db(query.substr(3));
    }

    url.path = rest.substr(0, question);
    if (!url.path.starts_with('/'))
        refuse("has no absolute socket path; expected unix:///path/to.sock, with three slashes");
    if (url.path.size() >= sizeof(sockaddr_un::sun_path))
        refuse("has a socket path longer than " +
               std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
    return url;
}

void parse_user(std::string_view text, RedisUrl& url) {
    const size_t colon = text.find(':');
    if (colon == text.npos || colon + 1 == text.size())
        refuse("has a user without a password; expected user:password@ or :password@");
    url.user = percent_decode(text.substr(0, colon));
    url.password = percent_decode(text.substr(colon + 1));
}

void parse_host(std::string_view text, RedisUrl& url) {
    std::string_view port;
    if (text.starts_with('[')) {
        const size_t bracket = text.find(']');
        if (bracket == text.npos)
            refuse("has a `[` without its `]`; an IPv6 address is written [::1]");
        url.host = text.substr(1, bracket - 1);
        text.remove_prefix(bracket + 1);
        if (!text.empty() && text[0] != ':')
            refuse("has text between `]` and the port; expected [::1]:6379");
        port = text;
    } else {
        const size_t colon = text.find(':');
        if (colon != text.npos && text.find(':', colon + 1) != text.npos)
            refuse("has more than one colon; an IPv6 address is written in brackets, [::1]");
        url.host = text.substr(0, colon);
        port = colon == text.npos ? "" : text.substr(colon);
    }

    if (url.host.empty())
        refuse("has no host; " + std::string(kForms));
    for (char c : url.host) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '?' || c == '#')
            refuse("has a character in the host that no host name has; " + std::string(kForms));
    }
    if (port.empty())
        return;
    const auto parsed = number(port.substr(1), 65535);
    if (!parsed || *parsed == 0)
        refuse("has a port that is no number from 1 to 65535");
    url.port = static_cast<uint16_t>(*parsed);
}

}  // namespace

RedisUrl parse_redis_url(std::string_view text) {
    if (text.starts_with("rediss://"))
        refuse(
            "asks for TLS, which is not supported; use redis:// and, across untrusted networks, "
            "a tunnel");
    if (text.starts_with("unix://"))
        return parse_unix(text.substr(7));
    if (!text.starts_with("redis://"))
        refuse("has no scheme that is known; " + std::string(kForms));
    text.remove_prefix(8);

    // A password may hold `/` and `@` only as %2F and %40, but people forget: the last `@` counts.
    RedisUrl url;
    const size_t at = text.rfind('@');
    if (at != text.npos) {
        parse_user(text.substr(0, at), url);
        text.remove_prefix(at + 1);
    }
    const size_t slash = text.find('/');
    parse_host(text.substr(0, slash), url);
    if (slash != text.npos && slash + 1 < text.size())
        url.db = parse_db(text.substr(slash + 1));
    return url;
}

std::string RedisUrl::address() const {
    if (!path.empty())
        return "unix:" + path;
    const bool v6 = host.find(':') != host.npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace herald::sidecar
