#include "sidecar/views/upstream_headers.hpp"

#include <algorithm>

#include "sidecar/secret.hpp"
#include "sidecar/views/upstream_secret.hpp"

namespace herald::sidecar {

namespace {

// RFC 9110, section 5.6.2.
bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

std::string UpstreamHeaders::fault_of(std::string_view name, std::string_view value) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_character))
        return "is no header's name; expected letters, digits and dashes";
    if (names_secret(value))
        return fault_of_secret_name(value);
    const bool fit = std::all_of(value.begin(), value.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
    if (value.empty() || !fit)
        return "has no fit value; expected text without control characters, \"env:NAME\" or "
               "\"file:/PATH\"";
    return {};
}

void UpstreamHeaders::add(std::string name, std::string value, std::string prefix) {
    headers_.push_back({std::move(name), std::move(value), std::move(prefix)});
}

UpstreamHeaders::Lines UpstreamHeaders::read() const {
    Lines lines;
    for (const Header& header : headers_) {
        std::string value = header.value;
        if (names_secret(value))
            value = header.prefix + read_header_secret(value, lines.error);
        if (!lines.error.empty()) {
            lines.lines.clear();
            break;
        }
        lines.lines.push_back(header.name + ": " + value);
    }
    return lines;
}

}  // namespace herald::sidecar
