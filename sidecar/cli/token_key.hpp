// Where `herald token` finds its keys: never on the command line, which everybody can see.
#pragma once

#include <memory>
#include <string>

#include "jwt/keys.hpp"

namespace herald::cli {

using PublicOrPrivate = std::unique_ptr<EVP_PKEY, jwt::FreeKey>;

// One of the two.
struct TokenKey {
    std::string secret{};
    PublicOrPrivate pair{};  // may lack its private half
    bool is_private = false;
};

// `where`: a file's path (file:PATH too) or env:NAME. PEM is a key, all else a secret, without the
// blanks and line ends around it, as nginx reads it. Throws std::runtime_error, whose text names
// `where` and nothing of the content.
TokenKey load_token_key(const std::string& where);

// What checks the signatures that this key makes. `allowed` empty: all that the key can do. Throws
// std::runtime_error that says why it cannot be used.
std::shared_ptr<const jwt::KeySet> checking_keys(const TokenKey& key, jwt::Algorithms allowed,
                                                 const std::string& where);

}  // namespace herald::cli
