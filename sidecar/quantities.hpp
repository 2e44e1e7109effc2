// Numbers of bytes and lengths of time, as operators write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald::sidecar {

// A number of bytes: digits, and K, M or G (powers of 1024) behind them. Nothing where the text is
// no size or does not fit.
std::optional<uint64_t> parse_size(std::string_view text);

// The shortest way to write a number of bytes: "64M", "1000".
std::string format_size(uint64_t bytes);

// A length of time in milliseconds: digits, and s, m, h or d behind them. Nothing where the text is
// none, is nothing at all ("0s") or more than 36500d.
std::optional<uint64_t> parse_duration(std::string_view text);

// The shortest way to write a length of time, which is whole seconds: "7d", "90s".
std::string format_duration(uint64_t ms);

}  // namespace herald::sidecar
