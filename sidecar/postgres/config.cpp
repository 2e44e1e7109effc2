#include "sidecar/postgres/config.hpp"

#include <libpq-fe.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "sidecar/small_file.hpp"

namespace herald::sidecar::postgres {

namespace {

constexpr size_t kMaxFile = 64 << 10;  // bytes

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

std::string trimmed(const std::string& text) {
    constexpr const char* kBlank = " \t\r\n";
    const size_t first = text.find_first_not_of(kBlank);
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string read_text(const std::string& url) {
    if (url.starts_with("env:")) {
        const char* value = std::getenv(url.c_str() + 4);
        if (value == nullptr || *value == '\0')
            throw std::invalid_argument("is \"" + url + "\", but the environment has no " +
                                        url.substr(4));
        return value;
    }
    if (!url.starts_with("file:"))
        return url;
    std::string error;
    const std::string text = read_small_file(url.substr(5), kMaxFile, error);
    if (!error.empty())
        throw std::invalid_argument("is \"" + url + "\", which cannot be read: " + error);
    return trimmed(text);
}

// libpq's own words are kept back: they may quote a password.
void check(const std::string& text, bool may_be_secret) {
    const bool is_uri = text.starts_with("postgresql://") || text.starts_with("postgres://");
    if (text.empty() || text.find('\0') != text.npos || (!is_uri && text.find('=') == text.npos))
        throw std::invalid_argument(
            "is no connection string; expected \"postgresql://user@host/database\" or "
            "\"host=... dbname=... user=...\"");
    char* error = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeOptions> options(
        PQconninfoParse(text.c_str(), &error));
    PQfreemem(error);
    if (!options)
        throw std::invalid_argument(
            "is no connection string that libpq takes; expected "
            "\"postgresql://user@host/database\" or \"host=... dbname=... user=...\", with "
            "characters that mean something percent-encoded in the first form");
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        const std::string_view keyword = option->keyword;
        if (!may_be_secret && option->val != nullptr && *option->val != '\0' &&
            (keyword == "password" || keyword == "sslpassword"))
            throw std::invalid_argument(
                "holds a password; put the whole string into the environment or a file, and name "
                "that: \"env:NAME\" or \"file:PATH\"");
    }
}

}  // namespace

std::string read_url(const std::string& url) {
    std::string text = read_text(url);
    check(text, url.starts_with("env:") || url.starts_with("file:"));
    return text;
}

}  // namespace herald::sidecar::postgres
