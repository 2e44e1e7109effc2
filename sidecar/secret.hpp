// Secrets that the configuration names and never holds: `env:NAME` or `file:PATH`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace herald::sidecar {

// Whether a text names a secret in one of the two ways, right or wrong.
bool names_secret(std::string_view text);

// Why it names none, as in `names no secret; expected ...`; empty where it does. The secret itself
// need not be there.
std::string fault_of_secret_name(std::string_view text);

// The secret: the variable's value, or the file's content, without blanks and line breaks around.
// Nothing where there is none; then `fault` says what is wrong and what would be right, such as
// `names the environment variable KEY, which is not set`, without a byte of any secret.
std::optional<std::string> read_secret(const std::string& where, std::string& fault);

}  // namespace herald::sidecar
