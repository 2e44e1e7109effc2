// A request that the sidecar has to be asked for: what herald_history, herald_publish and
// herald_view share.
//
// It lives as long as the request's pool. While its question is out the request waits; it is
// finalized exactly once, by whatever comes first: the answer, the loss of the sidecar, the end of
// its patience, or the client's leaving, which cancels the question.
#pragma once

#include <memory>
#include <string>

#include "ngx.hpp"
#include "settings.hpp"

namespace herald {

class Worker;

class Inquiry {
  public:
    explicit Inquiry(ngx_http_request_t* r) : request_(r) {}
    virtual ~Inquiry() = default;
    Inquiry(const Inquiry&) = delete;
    Inquiry& operator=(const Inquiry&) = delete;

    // Binds an inquiry to its request and hands it over; nullptr when memory is out.
    template <class Kind>
    static Kind* keep(std::unique_ptr<Kind> inquiry) {
        Kind* kept = inquiry.get();
        return bind(std::move(inquiry)) ? kept : nullptr;
    }

    // The newest one that is bound to a request; nullptr: none.
    static Inquiry* of(ngx_http_request_t* r);

    // Asks; `respond` is called later, and then the request is finalized. The caller has counted
    // the request for it. The worker's asks are open.
    void ask(Worker& worker, std::string question);

  protected:
    // Sends the response and returns what a content handler returns. `answer`: nullptr where none
    // came; may be moved from.
    virtual ngx_int_t respond(std::string* answer) = 0;

    ngx_http_request_t* request() const { return request_; }

  private:
    static bool bind(std::unique_ptr<Inquiry> inquiry);
    static void on_close(void* data) noexcept;
    static void on_timer(ngx_event_t* event) noexcept;
    void settle(std::string* answer) noexcept;
    void withdraw() noexcept;

    ngx_http_request_t* request_;
    uint64_t number_ = 0;  // of the question that is out; 0: none is
    ngx_event_t timer_{};
};

// The channel that a directive names. NGX_OK; 400, not answered yet, where it is no channel's name;
// or 500.
ngx_int_t evaluate_channel(ngx_http_request_t* r, ngx_http_complex_value_t& value,
                           std::string& channel);

// The answer for channels that nobody has heard of (herald_unknown).
ngx_int_t refuse_unknown(ngx_http_request_t* r);

// 503 with Retry-After.
ngx_int_t unavailable(ngx_http_request_t* r, std::string_view detail);

}  // namespace herald
