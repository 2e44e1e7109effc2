#include "sidecar/cli/bearer.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "sidecar/files.hpp"

namespace herald::cli {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kEnvironment = "env:";

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(kSpace);
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

// Throws where `token` cannot be one: it goes into a header as it is.
std::string checked(std::string_view token, const std::string& origin) {
    token = trimmed(token);
    if (token.empty())
        throw std::runtime_error(origin + " has no token in it");
    const bool visible =
        std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!visible)
        throw std::runtime_error(origin +
                                 " has bytes in it that no token has: expected one line of "
                                 "visible ASCII characters without spaces");
    return std::string(token);
}

}  // namespace

Bearer::Bearer(std::string token, std::string file) {
    if (!token.empty()) {
        token_ = checked(token, "--token");
    } else if (file.starts_with(kEnvironment)) {
        const std::string name = file.substr(kEnvironment.size());
        const char* value = std::getenv(name.c_str());
        if (value == nullptr)
            throw std::runtime_error("--token-file: there is no " + name + " in the environment");
        token_ = checked(value, "the environment's " + name);
    } else if (!file.empty()) {
        path_ = std::move(file);
        token_ = checked(sidecar::read_file(path_), path_);
    }
}

const std::string& Bearer::current() {
    if (path_.empty())
        return token_;
    try {
        token_ = checked(sidecar::read_file(path_), path_);
    } catch (const std::runtime_error&) {
        // Half-way through being replaced, or gone: the server judges the last one.
    }
    return token_;
}

std::string Bearer::without_token(std::string text) const {
    if (token_.empty())
        return text;
    const std::string mark = token_.find_first_not_of('.') == token_.npos ? "***" : "...";
    for (size_t at = 0; (at = text.find(token_, at)) != text.npos; at += mark.size())
        text.replace(at, token_.size(), mark);
    return text;
}

}  // namespace herald::cli
