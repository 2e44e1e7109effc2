// One request over http or https, with bounds on everything: size, time, redirects, protocols.
//
// What the headers carry may be secret, so a redirect must not take them elsewhere: with headers of
// the caller's, redirects stay with scheme, host and port. https is never left for http.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/curl_loop.hpp"

namespace herald::sidecar {

struct FetchOptions {
    std::string ca_file{};  // PEM; empty: the system's store
    size_t max_bytes = 64 * 1024;
    long connect_ms = 5000;
    long total_ms = 15'000;
    long max_redirects = 3;
    bool plain_http = false;  // http is fine, too
};

// With the CA file that the environment names: CURL_CA_BUNDLE, or SSL_CERT_FILE.
FetchOptions fetch_options();

struct HttpRequest {
    std::string url{};
    std::string accept = "application/json";
    std::vector<std::string> headers{};  // "Name: value", without line breaks
    std::optional<std::string> form{};   // of form_text: makes it a POST, which is not redirected
};

// application/x-www-form-urlencoded.
std::string form_text(const std::vector<std::pair<std::string_view, std::string_view>>& fields);

// Why something is no URL of one of these schemes; empty where it is fine.
std::string fault_of_url(const std::string& url, bool plain_http);

// A URL without user, password, query and fragment, which may be secret.
std::string url_for_log(const std::string& url);

class HttpFetch final : private CurlLoop::Transfer {
  public:
    struct Result {
        std::string error{};  // what went wrong; empty: the answer was 200
        std::string body{};
        long status = 0;  // 0: there was no whole answer
    };
    using Done = std::function<void(Result)>;

    // Begins. `done` is called once, on the loop, and may destroy the object; not after its end.
    // `loop` outlives it. Throws std::runtime_error.
    HttpFetch(CurlLoop& loop, HttpRequest request, const FetchOptions& options, Done done);
    ~HttpFetch();
    HttpFetch(const HttpFetch&) = delete;
    HttpFetch& operator=(const HttpFetch&) = delete;

  private:
    void on_done(CURLcode result) noexcept override;
    static size_t on_bytes(char* bytes, size_t one, size_t count, void* self) noexcept;
    static int on_connected(void* self, char*, char*, int, int) noexcept;
    void set_options();
    void set_protocols();
    void set_headers();
    std::string describe(CURLcode result) const;

    struct FreeEasy {
        void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
    };
    struct FreeList {
        void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
    };

    CurlLoop& loop_;
    HttpRequest request_;
    FetchOptions options_;
    Done done_;
    Result result_{};
    bool too_large_ = false;
    bool strayed_ = false;               // redirected to where the headers do not belong
    char detail_[CURL_ERROR_SIZE] = {};  // libcurl's words
    std::unique_ptr<curl_slist, FreeList> headers_{};
    std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace herald::sidecar
