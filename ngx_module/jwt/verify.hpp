// Whether a JWT (RFC 7519, as a JWS in compact form, RFC 7515) may be believed, and what it says.
//
// Cheap checks first, the signature last: what a stranger sends costs a hash at most when it
// names no key of ours. Never throws but bad_alloc; leaves OpenSSL's error queue empty.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compact.hpp"
#include "json.hpp"
#include "keys.hpp"

namespace herald::jwt {

constexpr size_t kMaxAttempts = 4;  // signatures per token and issuer

// A trust domain. Two may share `iss`, so that keys can be moved from one to the other.
struct Issuer {
    std::string name{};                    // the operator's, for messages
    std::string iss{};                     // empty: any, or none
    std::vector<std::string> audiences{};  // one of them must be in `aud`; empty: not looked at
    Algorithms algorithms{};               // empty: whatever its keys allow
    int64_t leeway = 30;                   // seconds
    std::string user_claim = "sub";        // a path
    std::string roles_claim = "roles";     // a path to an array or a space-separated string
    std::vector<std::shared_ptr<const KeySet>> keys{};  // empty: not configured
};

struct Claims {
    std::string issuer{};  // Issuer::name
    std::string iss{};     // the claim; may be empty, as the next ones
    std::string sub{};
    std::string jti{};
    std::string user{};
    std::vector<std::string> roles{};
    std::optional<int64_t> expires{};  // `exp`, seconds since 1970, without leeway
    std::optional<int64_t> issued{};   // `iat`
    int64_t leeway = 0;                // of the issuer
    Json all{};                        // the whole claims set, an object
};

// In the order in which a token fails; the later, the nearer it was to being valid.
enum class Verdict : uint8_t {
    Malformed,         // no JWS in compact form, not strict base64url, no JSON object, a duplicate
                       // member, `crit`, `b64`, a claim of the wrong type, or more than kMaxToken
    UnknownAlgorithm,  // `none` too
    WrongIssuer,
    WrongAudience,
    Expired,
    NotYetValid,  // `nbf`, or an `iat` ahead of our time
    NoKeys,       // the issuer that it names has no key at present
    UnknownKey,   // none of the issuer's keys has this kid
    WrongAlgorithm,
    BadSignature,
    Valid
};

// A sentence without a full stop, for a log and for `herald token`.
std::string_view describe(Verdict verdict);

// Checks `token` against these issuers: the first that says Valid fills `claims`; else the
// furthest verdict. `now`: seconds since 1970.
//
// A token without kid is tried with the keys of an issuer that are for its algorithm, the first
// four of them.
//
// `unknown` gets the issuers that lack the key that the token names, whatever others said: whoever
// owns their keys may look for newer ones.
Verdict verify(std::string_view token, std::span<const Issuer* const> issuers, int64_t now,
               Claims& claims, std::vector<const Issuer*>* unknown = nullptr);

// The member at a dotted path, or nullptr. A member whose whole name has dots in it
// ("https://example.com/roles") is found too, before the path is split.
const json_t* find_claim(const json_t* claims, std::string_view path);

// Whether the claim at `path` is `value`: a string, an integer or a boolean by its text, or an
// array that has it. Never a part of a text.
bool has_claim(const json_t* claims, std::string_view path, std::string_view value);

// An array's strings, or a string's words.
std::vector<std::string> words_of(const json_t* value);

}  // namespace herald::jwt
