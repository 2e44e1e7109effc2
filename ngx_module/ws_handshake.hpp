// The parts of the WebSocket handshake (RFC 6455, section 4.2.1) that are about header text alone.
//
// Pure functions over one header value. What to answer, and the accept key, is the caller's.
#pragma once

#include <algorithm>
#include <string_view>

namespace herald {

namespace ws_detail {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Whether one element of the comma-separated list, without the blanks around it, is `wanted`.
template <typename Same>
constexpr bool list_has(std::string_view list, std::string_view wanted, Same same) {
    while (true) {
        const size_t comma = list.find(',');
        std::string_view element = list.substr(0, comma);
        const size_t first = element.find_first_not_of(" \t");
        if (first != std::string_view::npos) {
            element = element.substr(first, element.find_last_not_of(" \t") + 1 - first);
            if (std::equal(element.begin(), element.end(), wanted.begin(), wanted.end(), same))
                return true;
        }
        if (comma == std::string_view::npos)
            return false;
        list.remove_prefix(comma + 1);
    }
}

// The value of a base64 digit (RFC 4648, section 4), or -1.
constexpr int base64_value(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace ws_detail

// Whether a comma-separated header names the token, in any case (`Connection`, `Upgrade`).
constexpr bool has_token(std::string_view header_value, std::string_view token) {
    return ws_detail::list_has(header_value, token, [](char a, char b) {
        return ws_detail::lower(a) == ws_detail::lower(b);
    });
}

// Whether Sec-WebSocket-Protocol offers the subprotocol; names are case-sensitive.
constexpr bool offers(std::string_view header_value, std::string_view name) {
    return ws_detail::list_has(header_value, name, [](char a, char b) { return a == b; });
}

// Whether Sec-WebSocket-Key is the base64 of exactly 16 bytes, in canonical form: 22 digits, of
// which the last carries four bits of padding, and two `=`.
constexpr bool is_websocket_key(std::string_view value) {
    if (value.size() != 24 || value.substr(22) != "==")
        return false;
    for (char c : value.substr(0, 22)) {
        if (ws_detail::base64_value(c) < 0)
            return false;
    }
    return (ws_detail::base64_value(value[21]) & 15) == 0;
}

}  // namespace herald
