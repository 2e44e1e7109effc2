// Tokens that mean nothing by themselves: known by their digest, with the user and roles that the
// operator gave them. Compared in constant time; the tokens themselves are not kept.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "identity.hpp"

namespace herald {

using Digest = std::array<uint8_t, 32>;  // SHA-256

Digest digest_of(std::string_view token);
bool parse_digest(std::string_view hex, Digest& out);  // 64 hex digits

class OpaqueTokens {
  public:
    // Of equal tokens (or keys) the one that was added last counts.
    void add_token(const Digest& token, std::shared_ptr<const Identity> identity);
    // `secret` empty: the key goes without one.
    void add_pair(std::string_view key, std::string_view secret,
                  std::shared_ptr<const Identity> identity);

    bool empty() const { return tokens_.empty() && pairs_.empty(); }

    // nullptr: not one of these.
    std::shared_ptr<const Identity> find_token(const Digest& token) const;
    std::shared_ptr<const Identity> find_pair(std::string_view key, std::string_view secret) const;

  private:
    struct Token {
        Digest digest;
        std::shared_ptr<const Identity> identity;
    };
    struct Pair {
        Digest key;
        Digest secret;
        std::shared_ptr<const Identity> identity;
    };
    std::vector<Token> tokens_{};
    std::vector<Pair> pairs_{};
};

// An identity of an opaque token.
std::shared_ptr<const Identity> opaque_identity(std::string_view user,
                                                std::vector<std::string> roles);

// Adds the credentials of a JSON list of objects, or of an object of such objects by id:
//   id | name | identifier                 the user
//   key | api_key, secret | api_secret     an API key, and its secret if it has one
//   token | bearer_token | oauth_token     a bearer token
//   roles | scopes                         a list, or one space-separated string
// A key goes without a secret only where the member is absent: an empty one, or null, is a mistake.
// Entries that cannot be used are passed over and named in `skipped`, a sentence each, without
// their secrets. False and `why` where it is no such JSON; nothing is added then.
bool import_credentials(std::string_view json, OpaqueTokens& tokens,
                        std::vector<std::string>& skipped, std::string& why);

}  // namespace herald
