#include "sidecar/secret.hpp"

#include <cstdlib>

#include "sidecar/small_file.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kEnvironment = "env:";
constexpr std::string_view kFile = "file:";
constexpr std::string_view kBlank = " \t\r\n";
constexpr size_t kMaxSecret = 64 << 10;  // bytes

std::string trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(kBlank);
    if (first == text.npos)
        return {};
    return std::string(text.substr(first, text.find_last_not_of(kBlank) + 1 - first));
}

std::string of_environment(const std::string& name, std::string& fault) {
    const char* value = std::getenv(name.c_str());
    std::string secret = trimmed(value == nullptr ? "" : value);
    if (secret.empty())
        fault = "names the environment variable " + name + ", which is " +
                (value == nullptr ? "not set" : "empty");
    return secret;
}

std::string of_file(const std::string& path, std::string& fault) {
    std::string error;
    const std::string text = read_small_file(path, kMaxSecret, error);
    if (!error.empty()) {
        fault = "names the file " + path + ", which cannot be read: " + error;
        return {};
    }
    std::string secret = trimmed(text);
    if (secret.empty() || text.size() > kMaxSecret)
        fault = "names the file " + path + ", which is " + (secret.empty() ? "empty" : "too large");
    return secret;
}

}  // namespace

bool names_secret(std::string_view text) {
    return text.starts_with(kEnvironment) || text.starts_with(kFile);
}

std::string fault_of_secret_name(std::string_view text) {
    if (text.starts_with(kEnvironment) && text.size() > kEnvironment.size() &&
        text.find('=') == text.npos)
        return {};
    if (text.starts_with(kFile) && text.substr(kFile.size()).starts_with('/'))
        return {};
    return "names no secret; expected \"env:NAME\" or \"file:/PATH\"";
}

std::optional<std::string> read_secret(const std::string& where, std::string& fault) {
    fault = fault_of_secret_name(where);
    if (!fault.empty())
        return std::nullopt;
    std::string secret = where.starts_with(kEnvironment)
                             ? of_environment(where.substr(kEnvironment.size()), fault)
                             : of_file(where.substr(kFile.size()), fault);
    return fault.empty() ? std::optional(std::move(secret)) : std::nullopt;
}

}  // namespace herald::sidecar
