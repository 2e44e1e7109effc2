#include "sidecar/views/upstream_secret.hpp"

#include <algorithm>

#include "sidecar/secret.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxSecret = 8192;  // bytes; more is no token, and servers take no longer header

}  // namespace

std::string read_header_secret(const std::string& where, std::string& error) {
    const auto secret = read_secret(where, error);
    if (!secret)
        return {};
    const bool visible = std::all_of(secret->begin(), secret->end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
    if (visible && secret->size() <= kMaxSecret)
        return *secret;
    error = where + " is not one line of at most " + std::to_string(kMaxSecret) + " bytes";
    return {};
}

}  // namespace herald::sidecar
