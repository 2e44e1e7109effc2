#include "sidecar/webhooks/webhook_config.hpp"

#include <arpa/inet.h>
#include <openssl/sha.h>

#include "sidecar/parsed_url.hpp"

namespace herald::sidecar {

namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

}  // namespace

std::string origin_of(const std::string& url) {
    const ParsedUrl parsed(url);
    return parsed.is_one() ? parsed.origin() : "(no URL)";
}

std::string file_name_of(std::string_view feed, const std::string& url) {
    constexpr char kUpper[] = "0123456789ABCDEF";
    constexpr char kLower[] = "0123456789abcdef";
    std::string name;
    for (char c : feed) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_plain(c) && !(c == '.' && name.empty()))
            name += c;
        else
            (((name += '%') += kUpper[byte >> 4])) += kUpper[byte & 15];
    }
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(url.data()), url.size(), digest);
    name += '-';
    for (int i = 0; i < 4; ++i)
        (name += kLower[digest[i] >> 4]) += kLower[digest[i] & 15];
    return name;
}

bool is_loopback(const std::string& url) {
    const std::string host = ParsedUrl(url).part(CURLUPART_HOST);
    struct in_addr address {};
    if (inet_pton(AF_INET, host.c_str(), &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return host == "localhost" || host == "[::1]";
}

std::string fault_of_webhook_url(const std::string& url, bool insecure) {
    const ParsedUrl parsed(url);
    if (parsed.part(CURLUPART_HOST).empty())
        return "is no URL; expected https://host/path";
    const std::string scheme = parsed.part(CURLUPART_SCHEME);
    if (scheme != "https" && scheme != "http")
        return "is neither https nor http; expected https://host/path";
    if (!parsed.part(CURLUPART_FRAGMENT).empty())
        return "has a fragment, which no server ever sees; leave out \"#\" and what follows";
    if (scheme == "http" && !insecure && !is_loopback(url))
        return "is http to another machine, where anybody on the way reads the events; expected "
               "https, or insecure = true";
    return {};
}

}  // namespace herald::sidecar
