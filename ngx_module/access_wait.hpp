// A request that waits in the access phase for what the sidecar is about to tell: keys and
// revocations to a worker that has just started, a key that was published a moment ago. It comes
// within milliseconds; where it does not, the wait ends soon and the request is judged by what is
// known.
#pragma once

#include <list>

#include "ngx.hpp"

namespace herald {

class AccessWait {
  public:
    explicit AccessWait(ngx_http_request_t* r);
    ~AccessWait();
    AccessWait(const AccessWait&) = delete;
    AccessWait& operator=(const AccessWait&) = delete;

    // It is to be judged again in so many milliseconds at the latest.
    void expect(uint64_t milliseconds);

    // For how many milliseconds everything may still be news: shortly after the worker's start.
    static uint64_t grace_ms();

    // Has every waiting request judged again. Not from within a phase handler.
    static void resume_all() noexcept;

  private:
    static void on_due(ngx_event_t*) noexcept;
    static void arm();

    static std::list<AccessWait*> waiting_;

    ngx_http_request_t* request_;
    std::list<AccessWait*>::iterator place_;
    uint64_t due_ms_ = 0;
};

}  // namespace herald
