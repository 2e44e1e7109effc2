// What the directives of ngx_http_herald_auth_module set: filled by auth_directives.cpp and
// issuer_block.cpp, read by access.cpp.
//
// Everything here is fixed once the configuration is read but the keys that come from outside:
// each worker replaces its own copy of those (judge.hpp).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jwt/verify.hpp"
#include "ngx.hpp"
#include "opaque_tokens.hpp"
#include "template.hpp"

extern ngx_module_t ngx_http_herald_auth_module;

namespace herald {

// `herald_issuer`, with where its keys come from.
struct IssuerSettings {
    // Keys that may change while nginx runs: the sidecar brings the new ones.
    struct Watched {
        std::string source{};  // "file:/…" or "url:https://…", as the sidecar knows it
        std::shared_ptr<const jwt::KeySet> keys{};  // nullptr: none have come yet
    };

    jwt::Issuer issuer{};
    std::vector<std::shared_ptr<const jwt::KeySet>> secrets{};
    std::vector<Watched> watched{};
    bool configured = false;  // else an environment variable that it names is not set

    // Makes issuer.keys what the two lists above hold.
    void collect_keys();
};

// `herald_auth`: by whom a token may be vouched for. One object per distinct list, so that it names
// what a cached token was verified for.
struct AuthList {
    std::vector<IssuerSettings*> issuers{};
    bool opaque = false;  // `static`

    bool is_off() const { return issuers.empty() && !opaque; }
};

struct Grant {
    enum class Kind : uint8_t { Role, Claim, User };
    Kind kind = Kind::Role;
    std::string path{};  // of Claim
    ngx_http_complex_value_t value{};
};
using GrantLine = std::vector<Grant>;  // any one suffices

// `herald_denied`: statuses, and the body where one is given.
struct Denied {
    ngx_uint_t none = 401;
    ngx_uint_t invalid = 401;
    ngx_uint_t forbidden = 403;
    ngx_uint_t unconfigured = 503;
    Template* body = nullptr;
};

struct AuthMainSettings {
    std::vector<std::unique_ptr<IssuerSettings>> issuers{};
    std::vector<std::unique_ptr<AuthList>> lists{};

    IssuerSettings* find(std::string_view name);
};

struct AuthSettings {
    // As the directives of this level say; merged from above where they say nothing.
    std::optional<std::vector<std::string>> names{};  // of herald_auth; empty: off
    const AuthList* list = nullptr;                   // after the merge
    std::shared_ptr<OpaqueTokens> static_tokens{};
    std::shared_ptr<OpaqueTokens> credentials{};
    std::vector<GrantLine> required{};
    std::optional<std::string> admin_role{};
    std::optional<Denied> denied{};
};

inline AuthSettings& auth_settings(ngx_http_request_t* r) {
    return *static_cast<AuthSettings*>(
        ngx_http_get_module_loc_conf(r, ngx_http_herald_auth_module));
}
AuthMainSettings& auth_main_settings(ngx_conf_t* cf);
// nullptr: there is no http block.
AuthMainSettings* auth_main_settings(ngx_cycle_t* cycle);

// Callbacks of nginx's module context (auth_settings.cpp).
void* create_auth_main_settings(ngx_conf_t* cf) noexcept;
void* create_auth_settings(ngx_conf_t* cf) noexcept;
char* merge_auth_settings(ngx_conf_t* cf, void* parent, void* child) noexcept;

}  // namespace herald
