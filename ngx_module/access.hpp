// The handler of the access phase: who may have a location (docs/security.md). Composes with
// `satisfy`, allow and deny, auth_basic and auth_request.
#pragma once

#include "access_wait.hpp"
#include "judge.hpp"

namespace herald {

ngx_int_t access_handler(ngx_http_request_t* r) noexcept;

// What the access phase has found out about a request; of a subrequest, about its main request.
struct AuthContext {
    AuthStatus status = AuthStatus::None;
    TokenFrom from = TokenFrom::Nowhere;
    std::shared_ptr<const Identity> identity{};  // nullptr: nobody is known
    std::unique_ptr<AccessWait> wait{};          // while the request waits for the sidecar
};
// nullptr: it has not been asked.
const AuthContext* auth_of(ngx_http_request_t* r);

// Whose token has let the request in: here, or in the location that an internal redirect
// (`try_files`, `error_page`, X-Accel-Redirect) came from. nullptr: none has.
std::shared_ptr<const Identity> admitted(ngx_http_request_t* r);

}  // namespace herald
