// A JWK set (RFC 7517) as it comes from a file or an endpoint, made fit to go on to the workers.
//
// Only the shape is checked here; whether a key can be used is for the worker to say. But nothing
// secret goes on: private and symmetric keys are left out as a whole, as anybody may have signed
// with them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

constexpr size_t kMaxKeys = 32;  // of a set

struct KeySetText {
    std::string json{};               // compact; the same for the same content
    size_t keys = 0;                  // that are in it
    size_t secret = 0;                // private and symmetric keys that were left out
    std::vector<std::string> kids{};  // of those keys that have one
};

// Nothing where `bytes` are no such set (an object with an array `keys` of objects, at most 32, no
// member twice, 64 KB in all): `why` then says what is wrong, without a word of the content.
std::optional<KeySetText> read_key_set(std::string_view bytes, std::string& why);

}  // namespace herald::sidecar
