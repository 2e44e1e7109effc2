// Whether a presented token opens a location: by which issuer, static token or credential, and with
// which grants. One judge a worker; it remembers the tokens that it has verified.
#pragma once

#include <span>

#include "auth_settings.hpp"
#include "presented.hpp"
#include "token_cache.hpp"

namespace herald {

// In the words of $herald_auth_status (name_of).
enum class AuthStatus : uint8_t {
    None,          // no token
    Ambiguous,     // several tokens
    Invalid,       // one that nobody vouches for
    Expired,       //
    Revoked,       //
    Forbidden,     // a good one, without the grants
    Unconfigured,  // there is no key, secret or token to compare with
    Ok
};
std::string_view name_of(AuthStatus status);

struct Judgement {
    AuthStatus status = AuthStatus::None;
    std::shared_ptr<const Identity> identity{};  // of Ok and Forbidden
    std::string_view reason{};                   // a sentence for the log; static
    uint64_t news_ms = 0;  // milliseconds within which there may be keys that change it
};

class Judge {
  public:
    // The one of this process; made at its first use.
    static Judge& current();

    // The identity alone: grants are for `may_pass`. `now`: seconds since 1970.
    Judgement identify(const AuthSettings& settings, const Presented& presented, int64_t now);

    // New keys of a source (ring/trust.hpp). Issuers that use it get them, and everything is
    // verified anew; what cannot be imported changes nothing and is logged.
    void take_keys(AuthMainSettings& settings, std::string_view source, std::string_view json,
                   ngx_log_t* log);

  private:
    Judgement identify_token(const AuthSettings& settings, std::string_view token, int64_t now);
    Judgement verify(const AuthList& list, std::string_view token, int64_t now);

    TokenCache cache_{16 * 1024};
};

// Every line of herald_require has one that holds, or the token has herald_admin_role. NGX_OK,
// NGX_DECLINED, or NGX_ERROR when memory is out.
ngx_int_t may_pass(ngx_http_request_t* r, const AuthSettings& settings, const Identity& identity);

// Whether the sidecar has said that tokens like this one are refused, as far as this worker has
// heard.
bool is_revoked(const Identity& identity);

// Whether there is anything that a token could be compared with.
bool is_configured(const AuthSettings& settings);

}  // namespace herald
