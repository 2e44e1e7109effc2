// One [[feed.webhook]] table (docs/config.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace herald::sidecar {

struct WebhookConfig {
    struct NameHash {
        using is_transparent = void;
        size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    std::string url{};                // may hold secrets
    std::vector<std::string> keys{};  // bytes; each signs; at least one
    std::unordered_set<std::string, NameHash, std::equal_to<>> on{};  // names after `rename`
    bool every_event = true;  // `on` is absent: also those without a name
    std::vector<std::pair<std::string, std::string>> headers{};  // may hold secrets
    uint64_t timeout_ms = 10'000;
    uint64_t retry_for_ms = 24 * 3600 * 1000ull;
    uint64_t max_pending = 1000;  // events
    uint32_t concurrency = 4;     // requests at a time

    bool wants(std::string_view event) const {
        return every_event || (!event.empty() && on.contains(event));
    }
};

// What of a URL may be told: `https://host:port`. The rest, the path too, may be secret.
std::string origin_of(const std::string& url);

// What the webhook's files are called: the feed's name, with `%2F` for what is no letter, digit,
// `.`, `-` or `_`, a hyphen and the first 8 hex digits of the URL's SHA-256. So a webhook is the
// same one as long as its feed's name and its URL are.
std::string file_name_of(std::string_view feed, const std::string& url);

// Why events are not sent to this URL; empty where they are. `insecure`: http goes anywhere, not
// only to this machine.
std::string fault_of_webhook_url(const std::string& url, bool insecure);

// Whether the URL's host is this machine: localhost, 127.0.0.0/8 or [::1].
bool is_loopback(const std::string& url);

}  // namespace herald::sidecar
