// One POST of one event at a time, with bounds on everything; used again for the next, with the
// connection where the receiver keeps it. Redirects are not followed, and what the answer says
// beyond its status is read away.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sidecar/curl_loop.hpp"
#include "sidecar/webhooks/delivery.hpp"
#include "sidecar/webhooks/webhook_config.hpp"

namespace herald::sidecar {

class WebhookRequest final : private CurlLoop::Transfer {
  public:
    struct Outcome {
        long status = 0;             // 0: no whole answer came
        std::string error{};         // what went wrong; harmless, without a byte of URL or answer
        uint64_t retry_after_s = 0;  // as the receiver asks; 0: it does not
    };
    // Called on the loop, once for each `begin`; may begin the next, not destroy the object.
    using Done = std::function<void(Delivery&, const Outcome&)>;

    // The references outlive the object. `ca_file`: PEM; empty: the system's store. Throws
    // std::runtime_error.
    WebhookRequest(CurlLoop& loop, const WebhookConfig& config, const std::string& ca_file,
                   Done done);
    ~WebhookRequest();  // calls off what is under way
    WebhookRequest(const WebhookRequest&) = delete;
    WebhookRequest& operator=(const WebhookRequest&) = delete;

    // Only while idle. `delivery` stays where it is until `done`. `now_s`: seconds since 1970.
    // Throws std::runtime_error.
    void begin(Delivery& delivery, uint64_t now_s);
    bool is_idle() const { return delivery_ == nullptr; }

  private:
    static constexpr size_t kMaxAnswer = 64 * 1024;  // bytes, and as many of headers

    void on_done(CURLcode result) noexcept override;
    static size_t on_body(char* bytes, size_t one, size_t count, void* self) noexcept;
    static size_t on_header(char* bytes, size_t one, size_t count, void* self) noexcept;
    void set_options(const std::string& ca_file);
    void set_headers(uint64_t now_s);
    Outcome outcome(CURLcode result) const;
    std::string describe(CURLcode result) const;

    struct FreeEasy {
        void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
    };
    struct FreeList {
        void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
    };
    using Headers = std::unique_ptr<curl_slist, FreeList>;
    static void append(Headers& headers, const std::string& line);

    CurlLoop& loop_;
    const WebhookConfig& config_;
    const Done done_;
    Delivery* delivery_ = nullptr;
    bool timed_out_ = false;             // the last one
    size_t answer_ = 0;                  // bytes of its body
    size_t head_ = 0;                    // of its headers
    bool answered_ = false;              // its headers have come as a whole
    bool retry_after_ = false;           // it says when to come again
    char detail_[CURL_ERROR_SIZE] = {};  // libcurl's words
    Headers headers_{};
    std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace herald::sidecar
