#include "sidecar/secret.hpp"

#include <cstdlib>

#include "sidecar/small_file.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxSecret = 64 << 10;  // bytes

std::optional<std::string> of_environment(const std::string& name, std::string& fault) {
    const char* value = std::getenv(name.c_str());
    if (value != nullptr && *value != '\0')
        return value;
    fault = "names the environment variable " + name + ", which is " +
            (value == nullptr ? "not set" : "empty");
    return std::nullopt;
}

std::optional<std::string> of_file(const std::string& path, std::string& fault) {
    std::string error;
    std::string text = read_small_file(path, kMaxSecret, error);
    if (!error.empty()) {
        fault = "names the file " + path + ", which cannot be read: " + error;
        return std::nullopt;
    }
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.pop_back();
    if (!text.empty() && text.size() <= kMaxSecret)
        return text;
    fault = "names the file " + path + ", which is " + (text.empty() ? "empty" : "too large");
    return std::nullopt;
}

}  // namespace

std::optional<std::string> read_secret(const std::string& where, std::string& fault) {
    if (where.starts_with("env:") && where.size() > 4)
        return of_environment(where.substr(4), fault);
    if (where.starts_with("file:/"))
        return of_file(where.substr(5), fault);
    fault = "is no place of a secret; expected \"env:NAME\" or \"file:/PATH\"";
    return std::nullopt;
}

}  // namespace herald::sidecar
