// A request that waits in the access phase for what the sidecar tells a worker which has just
// started: the keys of a URL, the revocations. It comes within milliseconds where there is a
// sidecar; without one, the wait ends soon and the request is judged by what is known.
#pragma once

#include "ngx.hpp"

namespace herald {

class AccessWait {
  public:
    explicit AccessWait(ngx_http_request_t* r);
    ~AccessWait();
    AccessWait(const AccessWait&) = delete;
    AccessWait& operator=(const AccessWait&) = delete;

    // Whether news may still be awaited: shortly after the worker's start.
    static bool is_worth_it();

    // Has every waiting request judged again. Not from within a phase handler.
    static void resume_all() noexcept;

  private:
    ngx_http_request_t* request_;
};

}  // namespace herald
