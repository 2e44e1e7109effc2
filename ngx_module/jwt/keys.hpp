// Keys that tokens are checked with: imported once, then only read.
//
// The algorithms of a key are fixed when it is imported, by its kind and by what the operator and
// the key itself allow: nothing that a token says can widen them.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald::jwt {

// RFC 7518, section 3.1; RFC 8037, section 3.1.
enum class Algorithm : uint8_t {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA
};
constexpr size_t kAlgorithms = static_cast<size_t>(Algorithm::EdDSA) + 1;

// A set of algorithms.
class Algorithms {
  public:
    constexpr void add(Algorithm a) { bits_ = static_cast<uint16_t>(bits_ | bit(a)); }
    constexpr bool has(Algorithm a) const { return (bits_ & bit(a)) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr Algorithms operator&(Algorithms other) const {
        Algorithms both;
        both.bits_ = bits_ & other.bits_;
        return both;
    }

  private:
    static constexpr uint16_t bit(Algorithm a) {
        return static_cast<uint16_t>(1u << static_cast<unsigned>(a));
    }
    uint16_t bits_ = 0;
};

std::string_view name_of(Algorithm algorithm);
std::optional<Algorithm> algorithm_of(std::string_view name);  // case matters, as in the RFC

constexpr size_t kMaxKeys = 32;           // of a JWK set
constexpr size_t kMaxKeySet = 64 * 1024;  // bytes of a JWK set
constexpr size_t kMinSecret = 32;         // bytes
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // beyond it one token takes a worker's millisecond

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct FreeContext {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Made by the functions below alone.
struct Key {
    std::string kid{};  // empty: none
    Algorithms algorithms{};
    std::string secret{};                             // of HS*; else empty
    std::unique_ptr<EVP_PKEY, FreeKey> public_key{};  // of the others

    // What a signature's check starts with, a copy of it, by algorithm: without it OpenSSL looks
    // everything up by name each time, which takes as long as a token's hash. Null: not for this
    // key.
    std::array<std::unique_ptr<EVP_MAC_CTX, FreeContext>, kAlgorithms> macs{};
    std::array<std::unique_ptr<EVP_MD_CTX, FreeContext>, kAlgorithms> digests{};
};

// The keys of one source. Immutable once it is shared.
struct KeySet {
    std::vector<Key> keys{};
    bool any_kid = false;  // a single key that the operator gave: a token's kid is not looked at
};

// A secret for HS*, at least kMinSecret bytes. `allowed` is what the operator allows; empty: HS256.
// nullptr, and `why` says what would be right.
std::shared_ptr<const KeySet> import_secret(std::string_view secret, Algorithms allowed,
                                            std::string& why);

// An RSA, EC or Ed25519 key; of a private one the public half is used. `allowed` as for a JWK set.
// nullptr, and `why` says what would be right.
std::shared_ptr<const KeySet> import_key(std::unique_ptr<EVP_PKEY, FreeKey> key, Algorithms allowed,
                                         std::string& why);

// A JWK set (RFC 7517, section 5). Keys that cannot be used (another `use`, a private or a
// symmetric key, a weak one, an algorithm that is not allowed, no algorithm left) are passed over
// and named in `skipped`, a sentence each; nullptr and `why` where it is no JWK set at all, is too
// large, or holds two usable keys with one kid. A set with no usable key is empty, not an error.
// `allowed` empty: all but HS*. A key without `alg` may be used with each allowed algorithm of its
// kind.
std::shared_ptr<const KeySet> import_jwks(std::string_view json, Algorithms allowed,
                                          std::vector<std::string>& skipped, std::string& why);

}  // namespace herald::jwt
