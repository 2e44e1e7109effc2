// Secrets that the configuration names and never holds: `env:NAME` or `file:PATH`.
#pragma once

#include <optional>
#include <string>

namespace herald::sidecar {

// The secret: the variable's value, or the file's content without the line breaks at its end.
// Nothing where there is none; then `fault` says what is wrong and what would be right, such as
// `names the environment variable KEY, which is not set`, without a byte of any secret.
std::optional<std::string> read_secret(const std::string& where, std::string& fault);

}  // namespace herald::sidecar
