// libcurl takes the URL apart, so that what is checked is what it connects to.
#include "sidecar/cli/endpoint.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>

namespace herald::cli {

namespace {

constexpr const char* kExpected =
    "expected http://, https://, ws:// or wss://, a host and a path, such as "
    "https://example.org/jobs/stream";

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// Empty where the URL has no such part.
std::string part_of(const Url& url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK)
        return {};
    const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
    return text;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

// RFC 3986, section 2.1.
void append_encoded(std::string& out, std::string_view text) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
}

}  // namespace

Endpoint parse_endpoint(std::string_view text) {
    const Url url(curl_url(), curl_url_cleanup);
    if (url == nullptr)
        throw std::bad_alloc();
    if (curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(),
                     CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        throw std::invalid_argument(std::string("is no URL: ") + kExpected);
    const std::string scheme = part_of(url, CURLUPART_SCHEME);
    const bool websocket = scheme == "ws" || scheme == "wss";
    const bool tls = scheme == "https" || scheme == "wss";
    if (!websocket && !tls && scheme != "http")
        throw std::invalid_argument(std::string("has another scheme: ") + kExpected);
    if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty())
        throw std::invalid_argument(
            "has a user or a password in it, which is not supported: a token is given with "
            "--token-file");

    Endpoint endpoint;
    endpoint.websocket = websocket;
    curl_url_set(url.get(), CURLUPART_SCHEME, tls ? "https" : "http", 0);
    curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
    endpoint.url = part_of(url, CURLUPART_URL, CURLU_NO_DEFAULT_PORT);
    endpoint.host = part_of(url, CURLUPART_HOST);
    const std::string port = part_of(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
    if (!port.empty())
        endpoint.host += ":" + port;
    endpoint.target = part_of(url, CURLUPART_PATH);
    endpoint.shown = scheme + "://" + endpoint.host + endpoint.target;
    const std::string query = part_of(url, CURLUPART_QUERY);
    if (!query.empty())
        endpoint.target += "?" + query;
    if (endpoint.host.empty() || endpoint.url.empty())
        throw std::invalid_argument(std::string("is no URL: ") + kExpected);
    return endpoint;
}

std::string resumed_target(std::string_view target, std::string_view id) {
    constexpr std::string_view kArgument = "last_event_id=";
    const size_t mark = target.find('?');
    std::string resumed(target.substr(0, mark));
    std::string_view rest = mark == target.npos ? std::string_view() : target.substr(mark + 1);
    char joint = '?';
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        if (pair.empty() || pair.starts_with(kArgument))
            continue;
        resumed += joint;
        resumed += pair;
        joint = '&';
    }
    resumed += joint;
    resumed += kArgument;
    append_encoded(resumed, id);
    return resumed;
}

}  // namespace herald::cli
