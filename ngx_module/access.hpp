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

// What of that outlives the request while a stream sleeps; the identity is the stream's own.
struct AuthNote {
    const Identity* identity = nullptr;
    AuthStatus status = AuthStatus::None;
    TokenFrom from = TokenFrom::Nowhere;
    bool asked = false;
};
AuthNote note_auth(ngx_http_request_t* r);
// Puts it back at a request that has been made again; false: memory is out.
bool restore_auth(ngx_http_request_t* r, const AuthNote& note,
                  const std::shared_ptr<const Identity>& identity);
// Whether a clean-up of a request's pool is the one of this.
bool is_auth_cleanup(ngx_pool_cleanup_pt handler);

// Whose token has let the request in: here, or in the location that an internal redirect
// (`try_files`, `error_page`, X-Accel-Redirect) came from. nullptr: none has.
std::shared_ptr<const Identity> admitted(ngx_http_request_t* r);

}  // namespace herald
