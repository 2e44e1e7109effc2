#include "origin.hpp"

#include <algorithm>

namespace herald {

namespace {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

constexpr std::string_view default_port(std::string_view scheme) {
    if (scheme == "http" || scheme == "ws")
        return "80";
    return scheme == "https" || scheme == "wss" ? "443" : "";
}

struct HostPort {
    std::string_view host;
    std::string_view port;  // with its colon; empty: none
};

HostPort split(std::string_view authority) {
    const size_t bracket = authority.rfind(']');
    const size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
        return {authority, {}};
    return {authority.substr(0, colon), authority.substr(colon)};
}

bool is_host(std::string_view host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        return std::all_of(host.begin() + 1, host.end() - 1, [](char c) {
            return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
        });
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

bool is_port(std::string_view port) {
    return !port.empty() && port.size() <= 5 && port.front() != '0' &&
           std::all_of(port.begin(), port.end(), is_digit) && (port.size() < 5 || port <= "65535");
}

bool is_same_text(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view origin_problem(std::string_view origin) {
    const size_t end = origin.find("://");
    if (end == std::string_view::npos)
        return "has no scheme, it must be like https://example.com";
    const std::string_view scheme = origin.substr(0, end);
    if (scheme.empty() || !is_letter(scheme[0]) ||
        !std::all_of(scheme.begin(), scheme.end(), [](char c) {
            return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
        }))
        return "has an invalid scheme, it must be like https://example.com";

    const std::string_view authority = origin.substr(end + 3);
    if (!authority.empty() && authority.find_first_of("/?#") != std::string_view::npos)
        return "has a path, an origin ends with its host or port, without \"/\"";
    const HostPort parts = split(authority);
    if (!is_host(parts.host))
        return "has an invalid host, it must be a name or an address (no \"*\" in it)";
    if (!parts.port.empty()) {
        if (!is_port(parts.port.substr(1)))
            return "has an invalid port, it must be 1 to 65535";
        if (parts.port.substr(1) == default_port(scheme))
            return "has its scheme's own port, which browsers leave out: leave it out";
    }
    return {};
}

bool is_own_origin(std::string_view origin, std::string_view host, bool secure) {
    const size_t end = origin.find("://");
    if (end == std::string_view::npos || host.empty())
        return false;
    const std::string_view scheme = origin.substr(0, end);
    if (secure && scheme == "http")
        return false;
    const HostPort theirs = split(origin.substr(end + 3));
    const HostPort ours = split(host);
    const auto port = [scheme](const HostPort& parts) {
        return parts.port.size() < 2 ? default_port(scheme) : parts.port.substr(1);
    };
    return is_same_text(theirs.host, ours.host) && port(theirs) == port(ours);
}

}  // namespace herald
