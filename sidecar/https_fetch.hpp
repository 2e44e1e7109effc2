// One GET over https, with bounds on everything: size, time, redirects, protocols.
#pragma once

#include <functional>
#include <string>

#include "sidecar/curl_loop.hpp"

namespace herald::sidecar {

struct FetchOptions {
    std::string ca_file{};  // PEM; empty: the system's store
    size_t max_bytes = 64 * 1024;
    long connect_ms = 5000;
    long total_ms = 15'000;
};

// With the CA file that the environment names: CURL_CA_BUNDLE, or SSL_CERT_FILE.
FetchOptions fetch_options();

// Why a URL is not fetched; empty where it is fine.
std::string fault_of_url(const std::string& url);

// A URL without user, password, query and fragment, which may be secret.
std::string url_for_log(const std::string& url);

class HttpsFetch final : private CurlLoop::Transfer {
  public:
    struct Result {
        std::string error{};  // what went wrong; empty: the answer was 200
        std::string body{};
    };
    using Done = std::function<void(Result)>;

    // Begins. `done` is called once, on the loop, and may destroy the object; not after its end.
    // `loop` outlives it. Throws std::runtime_error.
    HttpsFetch(CurlLoop& loop, const std::string& url, const FetchOptions& options, Done done);
    ~HttpsFetch();
    HttpsFetch(const HttpsFetch&) = delete;
    HttpsFetch& operator=(const HttpsFetch&) = delete;

  private:
    void on_done(CURLcode result) noexcept override;
    static size_t on_bytes(char* bytes, size_t one, size_t count, void* self) noexcept;
    void set_options(const std::string& url);
    std::string describe(CURLcode result) const;

    struct FreeEasy {
        void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
    };
    struct FreeList {
        void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
    };

    CurlLoop& loop_;
    FetchOptions options_;
    Done done_;
    Result result_{};
    bool too_large_ = false;
    char detail_[CURL_ERROR_SIZE] = {};  // libcurl's words
    std::unique_ptr<curl_slist, FreeList> headers_{};
    std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace herald::sidecar
