#include "sidecar/views/upstream_secret.hpp"

#include <algorithm>
#include <cstdlib>

#include "sidecar/small_file.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kEnvironment = "env:";
constexpr std::string_view kFile = "file:";
constexpr std::string_view kSpace = " \t\r\n";
constexpr size_t kMaxSecret = 8192;  // bytes; more is no token, and servers take no longer header

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(kSpace);
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

}  // namespace

bool UpstreamSecret::is_named(std::string_view text) {
    return text.starts_with(kEnvironment) || text.starts_with(kFile);
}

std::string UpstreamSecret::fault_of(std::string_view text) {
    if (text.starts_with(kEnvironment) && text.size() > kEnvironment.size() &&
        text.find('=') == text.npos)
        return {};
    if (text.starts_with(kFile) && text.substr(kFile.size()).starts_with('/'))
        return {};
    return "names no secret; expected \"env:NAME\" or \"file:/absolute/path\"";
}

std::string UpstreamSecret::read(std::string& error) const {
    error.clear();
    std::string text;
    if (place_.starts_with(kEnvironment)) {
        const char* value = std::getenv(place_.c_str() + kEnvironment.size());
        text = value == nullptr ? "" : value;
    } else {
        text = read_small_file(place_.substr(kFile.size()), kMaxSecret, error);
    }
    if (!error.empty()) {
        error = place_ + ": " + error;
        return {};
    }

    const std::string secret(trimmed(text));
    const bool visible = std::all_of(secret.begin(), secret.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
    if (secret.empty())
        error = place_ + " is empty";
    else if (!visible || secret.size() > kMaxSecret)
        error = place_ + " is not one line of at most " + std::to_string(kMaxSecret) + " bytes";
    return error.empty() ? secret : std::string();
}

}  // namespace herald::sidecar
