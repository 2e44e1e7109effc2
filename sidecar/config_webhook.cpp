// Reads each [[feed.webhook]] by itself, then holds its URL against the others'.
#include "sidecar/config_webhook.hpp"

#include <algorithm>
#include <cctype>

#include "ring/names.hpp"
#include "sidecar/secret.hpp"
#include "sidecar/webhooks/signature.hpp"

namespace herald::sidecar {

namespace {

constexpr const char* kTable = "[[feed.webhook]]";
constexpr uint64_t kMaxTimeoutMs = 5 * 60 * 1000;
constexpr int64_t kMaxPending = 10'000;
constexpr int64_t kMaxConcurrency = 64;

void read_url(TableReader& table, const toml::value& value, WebhookConfig& webhook,
              Problems& problems) {
    const bool insecure = table.boolean("insecure").value_or(false);
    const auto url = table.string("url");
    if (table.find("url") == nullptr)
        problems.add(line_of(value), std::string(kTable) +
                                         " has no url; say where the events go, such as "
                                         "url = \"https://hooks.example.com/herald\"");
    if (!url)
        return;
    std::string fault;
    if (names_secret(*url)) {
        const auto secret = read_secret(*url, fault);
        if (!secret)
            return table.refuse("url", fault);
        webhook.url = *secret;
    } else {
        webhook.url = *url;
    }
    fault = fault_of_webhook_url(webhook.url, insecure);
    if (!fault.empty())
        table.refuse("url", fault);
}

// One key, or an array of them: while receivers change theirs both sign.
void read_keys(TableReader& table, const toml::value& value, WebhookConfig& webhook,
               Problems& problems) {
    constexpr const char* kExpected =
        "expected \"env:NAME\" or \"file:/PATH\", or an array of them";
    const toml::value* secret = table.find("secret");
    if (secret == nullptr)
        return problems.add(line_of(value), std::string(kTable) +
                                                " has no secret, so that nobody could tell its "
                                                "requests from others'; " +
                                                kExpected);
    std::vector<const toml::value*> places;
    if (secret->is_array()) {
        for (const toml::value& place : secret->as_array())
            places.push_back(&place);
    } else {
        places.push_back(secret);
    }
    if (places.empty())
        table.refuse("secret", std::string("is empty; ") + kExpected);
    for (const toml::value* place : places) {
        if (!place->is_string()) {
            problems.add(line_of(*place),
                         std::string(kTable) + " secret is " + kind_of(*place) + "; " + kExpected);
            continue;
        }
        std::string fault;
        const auto text = read_secret(place->as_string().str, fault);
        if (!text) {
            problems.add(line_of(*place), std::string(kTable) + " secret " + fault);
            continue;
        }
        std::string key = webhook_key(*text);
        if (key.size() < kMinWebhookKey)
            problems.add(line_of(*place),
                         std::string(kTable) + " secret is too short or no base64; expected " +
                             std::to_string(kMinWebhookKey) +
                             " bytes or more, as they are or as whsec_ and their base64, such as "
                             "`openssl rand -base64 32` makes it");
        webhook.keys.push_back(std::move(key));
    }
}

void read_on(TableReader& table, const Feed& feed, WebhookConfig& webhook, Problems& problems) {
    const toml::value* on = table.find("on");
    if (on == nullptr)
        return;
    if (!on->is_array() || on->as_array().empty())
        return table.refuse("on", "is " + (on->is_array() ? "empty" : kind_of(*on)) +
                                      "; expected an array of event names, such as [\"done\"], or "
                                      "leave the key out for all events");
    if (feed.event.empty())
        table.refuse("on",
                     "has no effect without the feed's event; say there which JSON member names "
                     "the event");
    webhook.every_event = false;
    for (const toml::value& name : on->as_array()) {
        if (!name.is_string()) {
            problems.add(line_of(name), std::string(kTable) + " on holds " + kind_of(name) +
                                            "; expected event names in quotes");
            continue;
        }
        const std::string& text = name.as_string().str;
        const auto renamed = feed.rename.find(text);
        if (renamed != feed.rename.end())
            webhook.on.insert(renamed->second);
        if (ring::is_event_name(text))
            webhook.on.insert(text);
        else if (renamed == feed.rename.end())
            problems.add(line_of(name), std::string(kTable) + " on holds \"" + text +
                                            "\", which no event can be called; expected 1 to 255 "
                                            "bytes without control characters");
    }
}

// A token of RFC 9110, section 5.6.2.
bool is_header_name(const std::string& name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                   std::string_view::npos;
    });
}

bool is_ours(std::string name) {
    for (char& c : name)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    constexpr const char* kOurs[] = {
        "accept", "connection", "content-length",    "content-type", "expect",
        "host",   "te",         "transfer-encoding", "upgrade"};
    return name.starts_with("webhook-") || name.starts_with("herald-") ||
           std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs);
}

void read_headers(TableReader& table, WebhookConfig& webhook, Problems& problems) {
    const toml::value* headers = table.table("headers");
    if (headers == nullptr)
        return;
    for (const auto& [name, value] : headers->as_table()) {
        const std::string who = std::string(kTable) + " headers " + name;
        if (!is_header_name(name) || is_ours(name)) {
            problems.add(line_of(value),
                         who + (is_ours(name) ? " is set by Herald itself; leave it out"
                                              : " is no name of a header"));
            continue;
        }
        if (!value.is_string()) {
            problems.add(line_of(value), who + " is " + kind_of(value) +
                                             "; expected a string in quotes, \"env:NAME\" or "
                                             "\"file:/PATH\"");
            continue;
        }
        std::string text = value.as_string().str;
        std::string fault;
        if (names_secret(text)) {
            const auto secret = read_secret(text, fault);
            if (!secret) {
                problems.add(line_of(value), who + " " + fault);
                continue;
            }
            text = *secret;
        }
        if (text.empty() || ring::has_control_characters(text))
            problems.add(line_of(value),
                         who + " is empty or holds control characters; expected one line of text");
        webhook.headers.emplace_back(name, std::move(text));
    }
}

void read_duration(TableReader& table, const std::string& key, uint64_t longest_ms, uint64_t& ms) {
    const auto text = table.string(key);
    if (!text)
        return;
    const auto parsed = parse_duration(*text);
    if (parsed && *parsed <= longest_ms)
        ms = *parsed;
    else
        table.refuse(key, "is \"" + *text + "\"; expected a length of time from \"1s\" to \"" +
                              format_duration(longest_ms) + "\" (s, m, h, d)");
}

template <typename Number>
void read_number(TableReader& table, const std::string& key, int64_t most, Number& number) {
    const auto value = table.integer(key);
    if (!value)
        return;
    if (*value >= 1 && *value <= most)
        number = static_cast<Number>(*value);
    else
        table.refuse(key,
                     "is " + std::to_string(*value) + "; expected 1 to " + std::to_string(most));
}

WebhookConfig read_webhook(const toml::value& value, const Feed& feed, Problems& problems) {
    constexpr uint64_t kMaxRetryForMs = 365 * 24 * 3600 * 1000ull;
    TableReader table(&value, kTable, problems);
    WebhookConfig webhook;
    read_url(table, value, webhook, problems);
    read_keys(table, value, webhook, problems);
    read_on(table, feed, webhook, problems);
    read_headers(table, webhook, problems);
    read_duration(table, "timeout", kMaxTimeoutMs, webhook.timeout_ms);
    read_duration(table, "retry_for", kMaxRetryForMs, webhook.retry_for_ms);
    read_number(table, "max_pending", kMaxPending, webhook.max_pending);
    read_number(table, "concurrency", kMaxConcurrency, webhook.concurrency);
    table.finish();
    return webhook;
}

}  // namespace

void read_webhooks(TableReader& feed_table, Feed& feed, Problems& problems) {
    const toml::value* value = feed_table.find("webhook");
    if (value == nullptr)
        return;
    const bool tables = value->is_array() &&
                        std::all_of(value->as_array().begin(), value->as_array().end(),
                                    [](const toml::value& webhook) { return webhook.is_table(); });
    if (!tables)
        return feed_table.refuse(
            "webhook",
            value->is_table()
                ? "is one table; webhooks are written [[feed.webhook]], in double brackets"
                : "is " + kind_of(*value) +
                      "; webhooks are written as tables, "
                      "[[feed.webhook]]");
    for (const toml::value& table : value->as_array()) {
        WebhookConfig webhook = read_webhook(table, feed, problems);
        const bool twice =
            !webhook.url.empty() &&
            std::any_of(feed.webhooks.begin(), feed.webhooks.end(),
                        [&](const WebhookConfig& other) { return other.url == webhook.url; });
        if (twice)
            problems.add(line_of(table), std::string(kTable) +
                                             " url is that of another webhook of this feed; put "
                                             "the names of both into one `on`");
        feed.webhooks.push_back(std::move(webhook));
    }
}

std::string summary_of(const WebhookConfig& webhook) {
    std::string text = "sent to " + origin_of(webhook.url) + " (";
    if (webhook.every_event)
        text += "all events";
    else
        text += std::to_string(webhook.on.size()) + (webhook.on.size() == 1 ? " name" : " names");
    return text + ", retried for " + format_duration(webhook.retry_for_ms) + ")";
}

}  // namespace herald::sidecar
