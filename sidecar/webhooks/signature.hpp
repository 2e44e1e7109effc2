// How a receiver knows that a request comes from here, unchanged and not from long ago: the
// signature of Standard Webhooks (standardwebhooks.com), version 1, symmetric.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

constexpr size_t kMinWebhookKey = 24;  // bytes

// The key that a secret stands for: what is behind `whsec_` as base64, or the secret's own bytes.
// Empty where there is no such base64.
std::string webhook_key(std::string_view secret);

// The value of `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`,
// one for each key, with a space in between. `timestamp`: seconds since 1970.
std::string sign_webhook(const std::vector<std::string>& keys, std::string_view id,
                         uint64_t timestamp, std::string_view body);

// Text of any bytes as a header's value: what is no visible ASCII, and `%`, becomes `%0A`.
std::string header_safe(std::string_view text);

}  // namespace herald::sidecar
