// What libcurl is told, and what is made of its answer.
#include "sidecar/webhooks/request.hpp"

#include <strings.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "sidecar/webhooks/signature.hpp"

namespace herald::sidecar {

namespace {

constexpr long kConnectMs = 5000;

// Whether libcurl's words about an error hold nothing that the other side has chosen freely.
bool has_harmless_detail(CURLcode result) {
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_COULDNT_RESOLVE_HOST ||
           result == CURLE_COULDNT_CONNECT || result == CURLE_SSL_CACERT_BADFILE ||
           result == CURLE_SSL_CONNECT_ERROR;
}

}  // namespace

WebhookRequest::WebhookRequest(CurlLoop& loop, const WebhookConfig& config,
                               const std::string& ca_file, Done done)
    : loop_(loop), config_(config), done_(std::move(done)), easy_(curl_easy_init()) {
    if (!easy_)
        throw std::runtime_error("libcurl is out of memory");
    set_options(ca_file);
}

WebhookRequest::~WebhookRequest() {
    if (delivery_ != nullptr)
        loop_.remove(easy_.get());
}

void WebhookRequest::set_options(const std::string& ca_file) {
    CURL* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_URL, config_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "herald/" HERALD_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail_);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, long{CURLPROTO_HTTPS | CURLPROTO_HTTP});
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's are no answer
    // A connection that is being made, and may carry several requests, is waited for.
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    if (is_loopback(config_.url))
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");

    const long total_ms = static_cast<long>(config_.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, std::min(kConnectMs, total_ms));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, total_ms);
#if LIBCURL_VERSION_NUM >= 0x075700
    // A look-up that hangs is left to itself, instead of being waited for at the end.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);

    if (!ca_file.empty()) {
        // This file in place of the system's store, not beside it.
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
}

void WebhookRequest::append(Headers& headers, const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr)
        throw std::runtime_error("libcurl is out of memory");
    headers.release();
    headers.reset(longer);
}

void WebhookRequest::set_headers(uint64_t now_s) {
    const std::string id = ring::to_string(delivery_->id);
    Headers headers;
    append(headers, "Content-Type: application/json");
    append(headers, "Accept:");
    append(headers, "Expect:");  // no asking whether the body may come
    append(headers, "webhook-id: " + id);
    append(headers, "webhook-timestamp: " + std::to_string(now_s));
    append(headers, "webhook-signature: " + sign_webhook(config_.keys, id, now_s, delivery_->data));
    append(headers, "herald-channel: " + header_safe(delivery_->channel));
    if (!delivery_->event.empty())
        append(headers, "herald-event: " + header_safe(delivery_->event));
    for (const auto& [name, value] : config_.headers)
        append(headers, name + ": " + value);
    curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, headers.get());
    headers_ = std::move(headers);
}

void WebhookRequest::begin(Delivery& delivery, uint64_t now_s) {
    answer_ = head_ = 0;
    answered_ = retry_after_ = false;
    detail_[0] = '\0';
    delivery_ = &delivery;
    try {
        set_headers(now_s);
        curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, delivery.data.data());
        curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(delivery.data.size()));
        // A connection on which nothing came in time may be dead without anybody knowing.
        curl_easy_setopt(easy_.get(), CURLOPT_FRESH_CONNECT, long{timed_out_});
        loop_.add(easy_.get(), *this);
    } catch (...) {
        delivery_ = nullptr;
        throw;
    }
}

// What it returns, other than the size it got, ends the transfer.
size_t WebhookRequest::on_body(char*, size_t one, size_t count, void* self) noexcept {
    auto& request = *static_cast<WebhookRequest*>(self);
    request.answer_ += one * count;
    return request.answer_ <= kMaxAnswer ? one * count : one * count + 1;
}

size_t WebhookRequest::on_header(char* bytes, size_t one, size_t count, void* self) noexcept {
    auto& request = *static_cast<WebhookRequest*>(self);
    const std::string_view line(bytes, one * count);
    request.head_ += line.size();
    constexpr std::string_view kRetryAfter = "retry-after:";
    if (strncasecmp(line.data(), kRetryAfter.data(), std::min(line.size(), kRetryAfter.size())) ==
            0 &&
        line.size() > kRetryAfter.size())
        request.retry_after_ = true;
    // An interim answer (1xx) has an end of its own, after which the status line begins anew.
    if (line == "\r\n" || line == "\n") {
        long status = 0;
        curl_easy_getinfo(request.easy_.get(), CURLINFO_RESPONSE_CODE, &status);
        request.answered_ = status >= 200;
    }
    return request.head_ <= kMaxAnswer ? line.size() : line.size() + 1;
}

void WebhookRequest::on_done(CURLcode result) noexcept {
    loop_.remove(easy_.get());
    timed_out_ = result == CURLE_OPERATION_TIMEDOUT;
    Delivery& delivery = *std::exchange(delivery_, nullptr);
    try {
        done_(delivery, outcome(result));
    } catch (const std::exception&) {
        // The callee lets nothing out.
    }
}

// A receiver has answered as soon as its headers are here, however its answer's body ends.
WebhookRequest::Outcome WebhookRequest::outcome(CURLcode result) const {
    Outcome outcome;
    if (!answered_) {
        outcome.error = describe(result);
        return outcome;
    }
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &outcome.status);
    outcome.error = "HTTP status " + std::to_string(outcome.status);
    curl_off_t after = 0;
    if (retry_after_ && curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &after) == CURLE_OK &&
        after > 0)
        outcome.retry_after_s = static_cast<uint64_t>(after);
    return outcome;
}

std::string WebhookRequest::describe(CURLcode result) const {
    if (head_ > kMaxAnswer)
        return "the answer's headers are larger than " + std::to_string(kMaxAnswer) + " bytes";
    if (result == CURLE_OPERATION_TIMEDOUT)
        return "no answer in time";
    if (result == CURLE_OK || result == CURLE_GOT_NOTHING)
        return "the connection ended without an answer";
    const bool detailed = detail_[0] != '\0' && has_harmless_detail(result);
    return detailed ? detail_ : curl_easy_strerror(result);
}

}  // namespace herald::sidecar
