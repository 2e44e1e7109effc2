// What becomes of streams when the sidecar has news about tokens: those whose token is revoked end.
#pragma once

#include "ngx.hpp"

namespace herald {

class Subscriber;
struct AuthMainSettings;

// Notes which token has opened the stream. False where that has been revoked meanwhile: the stream
// is to end.
bool bind_identity(Subscriber& subscriber);

// Has this process' worker follow the sidecar's news. `settings` outlives the worker.
void follow_news(AuthMainSettings& settings, ngx_log_t* log);

}  // namespace herald
