// What libcurl is told, and what is made of its answer.
#include "sidecar/https_fetch.hpp"

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <utility>

namespace herald::sidecar {

namespace {

constexpr long kMaxRedirects = 3;

struct FreeUrl {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
struct FreeText {
    void operator()(char* text) const noexcept { curl_free(text); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

// nullptr where it is no URL.
Url parse(const std::string& text) {
    Url url(curl_url());
    if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != 0)
        url.reset();
    return url;
}

std::string part_of(const Url& url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, 0) != 0)
        return {};
    return std::unique_ptr<char, FreeText>(text).get();
}

// Whether libcurl's words about an error hold nothing that the other side has chosen freely.
bool has_harmless_detail(CURLcode result) {
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_COULDNT_RESOLVE_HOST ||
           result == CURLE_COULDNT_CONNECT || result == CURLE_SSL_CACERT_BADFILE ||
           result == CURLE_SSL_CONNECT_ERROR;
}

std::string seconds(long ms) {
    return std::to_string(ms / 1000) + (ms % 1000 == 0 ? "" : "." + std::to_string(ms % 1000)) +
           " s";
}

}  // namespace

FetchOptions fetch_options() {
    FetchOptions options;
    for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
        const char* file = std::getenv(name);
        if (file != nullptr && *file != '\0' && options.ca_file.empty())
            options.ca_file = file;
    }
    return options;
}

std::string fault_of_url(const std::string& url) {
    const Url parsed = parse(url);
    if (!parsed || part_of(parsed, CURLUPART_HOST).empty())
        return "no URL; expected https://host/path";
    if (part_of(parsed, CURLUPART_SCHEME) != "https")
        return "only https is fetched; expected https://host/path";
    return {};
}

std::string url_for_log(const std::string& url) {
    const Url parsed = parse(url);
    if (!parsed)
        return "(no URL)";
    for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                                 CURLUPART_QUERY, CURLUPART_FRAGMENT})
        curl_url_set(parsed.get(), part, nullptr, 0);
    return part_of(parsed, CURLUPART_URL);
}

HttpsFetch::HttpsFetch(CurlLoop& loop, const std::string& url, const FetchOptions& options,
                       Done done)
    : loop_(loop), options_(options), done_(std::move(done)), easy_(curl_easy_init()) {
    if (!easy_)
        throw std::runtime_error("libcurl is out of memory");
    set_options(url);
    loop_.add(easy_.get(), *this);
}

HttpsFetch::~HttpsFetch() {
    loop_.remove(easy_.get());
}

void HttpsFetch::set_options(const std::string& url) {
    CURL* easy = easy_.get();
    headers_.reset(
        curl_slist_append(nullptr, "Accept: application/jwk-set+json, application/json"));
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "herald/" HERALD_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail_);

#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, long{CURLPROTO_HTTPS});
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, long{CURLPROTO_HTTPS});
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kMaxRedirects);

    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, options_.connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, options_.total_ms);
#if LIBCURL_VERSION_NUM >= 0x075700
    // A look-up that hangs is left to itself, instead of being waited for at the time-out.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, static_cast<long>(options_.max_bytes));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);

    if (!options_.ca_file.empty()) {
        // This file in place of the system's store, not beside it.
        curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
}

// What it returns, other than the size it got, ends the transfer.
size_t HttpsFetch::on_bytes(char* bytes, size_t one, size_t count, void* self) noexcept {
    auto& fetch = *static_cast<HttpsFetch*>(self);
    const size_t size = one * count;
    if (size > fetch.options_.max_bytes - fetch.result_.body.size()) {
        fetch.too_large_ = true;
        return size + 1;
    }
    try {
        fetch.result_.body.append(bytes, size);
    } catch (const std::exception&) {
        return size + 1;
    }
    return size;
}

void HttpsFetch::on_done(CURLcode result) noexcept {
    // The callee may destroy the object.
    const Done done = std::move(done_);
    try {
        result_.error = describe(result);
        done(std::exchange(result_, {}));
    } catch (const std::exception&) {
        // Out of memory: whoever waits tries again later.
    }
}

std::string HttpsFetch::describe(CURLcode result) const {
    if (too_large_ || result == CURLE_FILESIZE_EXCEEDED)
        return "the answer is larger than " + std::to_string(options_.max_bytes) + " bytes";
    if (result == CURLE_UNSUPPORTED_PROTOCOL)
        return "redirected to something other than https";
    if (result == CURLE_TOO_MANY_REDIRECTS)
        return "more than " + std::to_string(kMaxRedirects) + " redirects";
    if (result == CURLE_OPERATION_TIMEDOUT)
        return "no answer in time (" + seconds(options_.connect_ms) + " to connect, " +
               seconds(options_.total_ms) + " in all)";
    if (result != CURLE_OK) {
        const bool detailed = detail_[0] != '\0' && has_harmless_detail(result);
        return detailed ? detail_ : curl_easy_strerror(result);
    }
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? std::string() : "HTTP status " + std::to_string(status);
}

}  // namespace herald::sidecar
