// Minting a token: claims, header, signature.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jwt/json.hpp"
#include "jwt/keys.hpp"
#include "sidecar/cli/token_key.hpp"

namespace herald::cli {

struct Wanted {
    std::string sub{};
    std::vector<std::string> roles{};
    std::string roles_claim = "roles";  // a path
    std::optional<int64_t> lifetime{};  // seconds, may be negative; nothing: no `exp`
    std::string iss{};
    std::vector<std::string> audiences{};
    std::string kid{};
    std::vector<std::string> claims{};  // NAME=JSON; they win over the others
};

// Throws std::invalid_argument that says what is wrong with a claim and what would be right.
jwt::Json make_claims(const Wanted& wanted, int64_t now);

// The usual algorithm of a key's kind, of those that its KeySet allows.
jwt::Algorithm usual_algorithm(jwt::Algorithms possible);

// The token. Throws std::runtime_error where OpenSSL cannot sign.
std::string mint(const TokenKey& key, jwt::Algorithm algorithm, const std::string& kid,
                 const jwt::Json& claims);

}  // namespace herald::cli
