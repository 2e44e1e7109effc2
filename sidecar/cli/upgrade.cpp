#include "sidecar/cli/upgrade.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <stdexcept>

namespace herald::cli {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr uint64_t kMaxRetryAfterS = 24 * 3600;

std::string base64(const unsigned char* bytes, size_t size) {
    std::string text((size + 2) / 3 * 4 + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes,
                                       static_cast<int>(size));
    text.resize(static_cast<size_t>(length));
    return text;
}

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

// Whether a comma-separated list has `token`, in any case.
bool lists(std::string_view list, std::string_view token) {
    for (;;) {
        const size_t comma = list.find(',');
        if (same(trimmed(list.substr(0, comma)), token))
            return true;
        if (comma == list.npos)
            return false;
        list.remove_prefix(comma + 1);
    }
}

template <class Number>
Number number_of(std::string_view text) {
    Number value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size() ? value : 0;
}

// "HTTP/1.1 101 Switching Protocols"; 0: it is something else.
int status_of(std::string_view line) {
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ' ||
        (line.size() > 12 && line[12] != ' '))
        return 0;
    const int status = number_of<int>(line.substr(9, 3));
    return status >= 100 ? status : 0;
}

}  // namespace

std::string upgrade_key(const std::array<uint8_t, 16>& random) {
    return base64(random.data(), random.size());
}

std::string accept_for(std::string_view key) {
    const std::string text = std::string(key) + std::string(kGuid);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1)
        throw std::runtime_error("OpenSSL has no SHA-1, which WebSocket needs");
    return base64(digest, size);
}

std::string upgrade_request(const Endpoint& endpoint, std::string_view target, std::string_view key,
                            std::string_view token) {
    std::string head = "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + endpoint.host;
    head += "\r\nUser-Agent: herald/" HERALD_VERSION;
    head += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13";
    head += "\r\nSec-WebSocket-Key: " + std::string(key);
    head += "\r\nSec-WebSocket-Protocol: " + std::string(kSubprotocol);
    if (!token.empty())
        head += "\r\nAuthorization: Bearer " + std::string(token);
    return head + "\r\n\r\n";
}

UpgradeResponse read_upgrade_response(std::string_view head, std::string_view key) {
    UpgradeResponse response;
    response.status = status_of(head.substr(0, head.find("\r\n")));
    bool upgrades = false;
    bool connects = false;
    std::string_view accept;
    for (size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size();) {
        const size_t end = head.find("\r\n", at + 2);
        const std::string_view line = head.substr(at + 2, end == head.npos ? end : end - at - 2);
        at = end;
        const size_t colon = line.find(':');
        if (colon == line.npos)
            continue;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (same(name, "upgrade"))
            upgrades = lists(value, "websocket");
        else if (same(name, "connection"))
            connects = connects || lists(value, "upgrade");
        else if (same(name, "sec-websocket-accept"))
            accept = value;
        else if (same(name, "sec-websocket-extensions") && !value.empty())
            response.problem = "it uses an extension that was not asked for";
        else if (same(name, "sec-websocket-protocol")) {
            response.has_subprotocol = value == kSubprotocol;
            if (!response.has_subprotocol)
                response.problem = "it speaks a subprotocol that was not asked for";
        } else if (same(name, "retry-after"))
            response.retry_after_s = std::min(number_of<uint64_t>(value), kMaxRetryAfterS);
        else if (same(name, "content-length"))
            response.body_size = number_of<uint64_t>(value);
    }
    if (!upgrades || !connects)
        response.problem = "it does not upgrade to WebSocket";
    else if (accept != accept_for(key))
        response.problem = "its Sec-WebSocket-Accept does not belong to the key";
    return response;
}

}  // namespace herald::cli
