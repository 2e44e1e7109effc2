#include "sidecar/postgres/config.hpp"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string_view>

#include "sidecar/secret.hpp"

namespace herald::sidecar::postgres {

namespace {

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

std::string read_text(const std::string& url) {
    if (!names_secret(url))
        return url;
    std::string fault;
    const auto secret = read_secret(url, fault);
    if (!secret)
        throw std::invalid_argument(fault);
    return *secret;
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
    check(text, names_secret(url));
    return text;
}

}  // namespace herald::sidecar::postgres
