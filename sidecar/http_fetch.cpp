// What libcurl is told, and what is made of its answer.
#include "sidecar/http_fetch.hpp"

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <utility>

#include "sidecar/parsed_url.hpp"

namespace herald::sidecar {

namespace {

struct FreeText {
    void operator()(char* text) const noexcept { curl_free(text); }
};

// Those that one server's secrets are for.
std::string origin_of(const std::string& url) {
    return ParsedUrl(url).origin(CURLU_DEFAULT_PORT);
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

std::string form_text(const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        const std::unique_ptr<char, FreeText> escaped(
            curl_easy_escape(nullptr, value.data(), static_cast<int>(value.size())));
        if (!escaped)
            throw std::bad_alloc();
        text += (text.empty() ? "" : "&") + std::string(name) + "=" + escaped.get();
    }
    return text;
}

std::string fault_of_url(const std::string& url, bool plain_http) {
    const std::string expected = plain_http ? "expected http://host/path or https://host/path"
                                            : "expected https://host/path";
    const ParsedUrl parsed(url);
    if (parsed.part(CURLUPART_HOST).empty())
        return "no URL; " + expected;
    const std::string scheme = parsed.part(CURLUPART_SCHEME);
    if (scheme == "https" || (plain_http && scheme == "http"))
        return {};
    return (plain_http ? "only http and https are fetched; " : "only https is fetched; ") +
           expected;
}

std::string url_for_log(const std::string& url) {
    ParsedUrl parsed(url);
    if (!parsed.is_one())
        return "(no URL)";
    for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                                 CURLUPART_QUERY, CURLUPART_FRAGMENT})
        parsed.drop(part);
    return parsed.part(CURLUPART_URL);
}

HttpFetch::HttpFetch(CurlLoop& loop, HttpRequest request, const FetchOptions& options, Done done)
    : loop_(loop),
      request_(std::move(request)),
      options_(options),
      done_(std::move(done)),
      easy_(curl_easy_init()) {
    if (!easy_)
        throw std::runtime_error("libcurl is out of memory");
    set_options();
    loop_.add(easy_.get(), *this);
}

HttpFetch::~HttpFetch() {
    loop_.remove(easy_.get());
}

void HttpFetch::set_headers() {
    const auto append = [this](const std::string& header) {
        curl_slist* longer = curl_slist_append(headers_.get(), header.c_str());
        if (longer == nullptr)
            throw std::bad_alloc();
        static_cast<void>(headers_.release());  // the list's head is its old one, or its first
        headers_.reset(longer);
    };
    append("Accept: " + request_.accept);
    for (const std::string& header : request_.headers)
        append(header);
    curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
    if (!request_.headers.empty()) {
        curl_easy_setopt(easy_.get(), CURLOPT_PREREQFUNCTION, on_connected);
        curl_easy_setopt(easy_.get(), CURLOPT_PREREQDATA, this);
    }
}

void HttpFetch::set_protocols() {
    CURL* easy = easy_.get();
    const bool secure = ParsedUrl(request_.url).part(CURLUPART_SCHEME) == "https";
    const char* first = options_.plain_http ? "http,https" : "https";
    const char* later = options_.plain_http && !secure ? "http,https" : "https";
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, first);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, later);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request_.form ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, options_.max_redirects);
}

void HttpFetch::set_options() {
    CURL* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "herald/" HERALD_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail_);
    set_headers();
    set_protocols();
    if (request_.form) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.form->size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.form->c_str());
    }

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

// Called before each request, also before the one that follows a redirect.
int HttpFetch::on_connected(void* self, char*, char*, int, int) noexcept {
    auto& fetch = *static_cast<HttpFetch*>(self);
    long redirects = 0;
    curl_easy_getinfo(fetch.easy_.get(), CURLINFO_REDIRECT_COUNT, &redirects);
    if (redirects == 0)
        return CURL_PREREQFUNC_OK;
    try {
        const char* url = nullptr;
        curl_easy_getinfo(fetch.easy_.get(), CURLINFO_EFFECTIVE_URL, &url);
        if (url != nullptr && origin_of(url) == origin_of(fetch.request_.url))
            return CURL_PREREQFUNC_OK;
    } catch (const std::exception&) {
        // Out of memory: rather not.
    }
    fetch.strayed_ = true;
    return CURL_PREREQFUNC_ABORT;
}

// What it returns, other than the size it got, ends the transfer.
size_t HttpFetch::on_bytes(char* bytes, size_t one, size_t count, void* self) noexcept {
    auto& fetch = *static_cast<HttpFetch*>(self);
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

void HttpFetch::on_done(CURLcode result) noexcept {
    // The callee may destroy the object.
    const Done done = std::move(done_);
    try {
        if (result == CURLE_OK)
            curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &result_.status);
        result_.error = describe(result);
        done(std::exchange(result_, {}));
    } catch (const std::exception&) {
        // Out of memory: whoever waits tries again later.
    }
}

std::string HttpFetch::describe(CURLcode result) const {
    if (too_large_ || result == CURLE_FILESIZE_EXCEEDED)
        return "the answer is larger than " + std::to_string(options_.max_bytes) + " bytes";
    if (result == CURLE_UNSUPPORTED_PROTOCOL)
        return options_.plain_http && ParsedUrl(request_.url).part(CURLUPART_SCHEME) == "http"
                   ? "redirected to something other than http and https"
                   : "redirected to something other than https";
    if (strayed_)
        return "redirected to another host, which must not have the headers";
    if (result == CURLE_TOO_MANY_REDIRECTS)
        return "more than " + std::to_string(options_.max_redirects) + " redirects";
    if (result == CURLE_OPERATION_TIMEDOUT)
        return "no answer in time (" + seconds(options_.connect_ms) + " to connect, " +
               seconds(options_.total_ms) + " in all)";
    if (result != CURLE_OK) {
        const bool detailed = detail_[0] != '\0' && has_harmless_detail(result);
        return detailed ? detail_ : curl_easy_strerror(result);
    }
    const long status = result_.status;
    return status == 200 ? std::string() : "HTTP status " + std::to_string(status);
}

}  // namespace herald::sidecar
