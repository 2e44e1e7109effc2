// Keys and signatures for the tests of tokens: one key of each kind, made when first needed.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jwt/base64url.hpp"
#include "jwt/keys.hpp"

namespace herald::jwt::testing {

using PrivateKey = std::unique_ptr<EVP_PKEY, FreeKey>;

inline const std::string kSecret = "a secret of exactly 32 bytes ...";

inline EVP_PKEY* rsa_key() {
    static const PrivateKey key(EVP_RSA_gen(2048));
    return key.get();
}
inline EVP_PKEY* p256_key() {
    static const PrivateKey key(EVP_EC_gen("P-256"));
    return key.get();
}
inline EVP_PKEY* p384_key() {
    static const PrivateKey key(EVP_EC_gen("P-384"));
    return key.get();
}
inline EVP_PKEY* ed25519_key() {
    static const PrivateKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    return key.get();
}

inline const unsigned char* unsigned_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

inline std::string hmac(std::string_view secret, std::string_view text,
                        const char* digest = "SHA256") {
    std::string mac(EVP_MAX_MD_SIZE, '\0');
    size_t length = 0;
    EXPECT_NE(EVP_Q_mac(nullptr, "HMAC", nullptr, digest, nullptr, secret.data(), secret.size(),
                        unsigned_bytes(text), text.size(),
                        reinterpret_cast<unsigned char*>(mac.data()), mac.size(), &length),
              nullptr);
    mac.resize(length);
    return mac;
}

// As OpenSSL makes it: of an EC key in DER. `salt` of -1 and more: RSA-PSS.
inline std::string signature(EVP_PKEY* key, std::string_view text, const char* digest,
                             int salt = -2) {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* options = nullptr;
    EXPECT_EQ(EVP_DigestSignInit_ex(context, &options, digest, nullptr, nullptr, key, nullptr), 1);
    if (salt >= -1) {
        EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
        EXPECT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt), 1);
    }
    size_t length = 0;
    EXPECT_EQ(EVP_DigestSign(context, nullptr, &length, unsigned_bytes(text), text.size()), 1);
    std::string made(length, '\0');
    EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(made.data()), &length,
                             unsigned_bytes(text), text.size()),
              1);
    made.resize(length);
    EVP_MD_CTX_free(context);
    return made;
}

// RFC 7518, section 3.4: r and s, `half` bytes each.
inline std::string raw(const std::string& der, int half) {
    const unsigned char* at = unsigned_bytes(der);
    ECDSA_SIG* numbers = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(2 * static_cast<size_t>(half), '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(out.data());
    EXPECT_EQ(BN_bn2binpad(ECDSA_SIG_get0_r(numbers), bytes, half), half);
    EXPECT_EQ(BN_bn2binpad(ECDSA_SIG_get0_s(numbers), bytes + half, half), half);
    ECDSA_SIG_free(numbers);
    return out;
}

// What a signer of `algorithm` makes of `text`.
inline std::string sign(Algorithm algorithm, std::string_view text) {
    switch (algorithm) {
        case Algorithm::HS256:
            return hmac(kSecret, text, "SHA256");
        case Algorithm::HS384:
            return hmac(kSecret, text, "SHA384");
        case Algorithm::HS512:
            return hmac(kSecret, text, "SHA512");
        case Algorithm::RS256:
            return signature(rsa_key(), text, "SHA256");
        case Algorithm::RS384:
            return signature(rsa_key(), text, "SHA384");
        case Algorithm::RS512:
            return signature(rsa_key(), text, "SHA512");
        case Algorithm::PS256:
            return signature(rsa_key(), text, "SHA256", RSA_PSS_SALTLEN_DIGEST);
        case Algorithm::PS384:
            return signature(rsa_key(), text, "SHA384", RSA_PSS_SALTLEN_DIGEST);
        case Algorithm::PS512:
            return signature(rsa_key(), text, "SHA512", RSA_PSS_SALTLEN_DIGEST);
        case Algorithm::ES256:
            return raw(signature(p256_key(), text, "SHA256"), 32);
        case Algorithm::ES384:
            return raw(signature(p384_key(), text, "SHA384"), 48);
        case Algorithm::EdDSA:
            return signature(ed25519_key(), text, nullptr);
    }
    return {};
}

inline std::string unsigned_token(std::string_view header, std::string_view claims) {
    return encode_base64url(header) + "." + encode_base64url(claims);
}

inline std::string join(const std::string& text, std::string_view signed_by) {
    return text + "." + encode_base64url(signed_by);
}

inline std::string token(Algorithm algorithm, std::string_view header, std::string_view claims) {
    const std::string text = unsigned_token(header, claims);
    return join(text, sign(algorithm, text));
}

// -- public keys

inline std::string number(EVP_PKEY* key, const char* name, int size = 0) {
    BIGNUM* value = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key, name, &value), 1);
    std::string bytes(static_cast<size_t>(size != 0 ? size : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()),
                 static_cast<int>(bytes.size()));
    BN_free(value);
    return encode_base64url(bytes);
}

// The members of a JWK, without kid; `more` begins with a comma.
inline std::string rsa_jwk(EVP_PKEY* key, const std::string& more = "") {
    return R"({"kty":"RSA","n":")" + number(key, OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
           number(key, OSSL_PKEY_PARAM_RSA_E) + "\"" + more + "}";
}

inline std::string ec_jwk(EVP_PKEY* key, const std::string& curve, int size,
                          const std::string& more = "") {
    return R"({"kty":"EC","crv":")" + curve + R"(","x":")" +
           number(key, OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
           number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size) + "\"" + more + "}";
}

inline std::string okp_jwk(EVP_PKEY* key, const std::string& more = "") {
    std::string x(32, '\0');
    size_t size = x.size();
    EXPECT_EQ(EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(x.data()), &size),
              1);
    return R"({"kty":"OKP","crv":"Ed25519","x":")" + encode_base64url(x) + "\"" + more + "}";
}

inline std::string jwks(const std::vector<std::string>& keys) {
    std::string all;
    for (const std::string& key : keys)
        all += (all.empty() ? "" : ",") + key;
    return R"({"keys":[)" + all + "]}";
}

// Our four keys, by the names r1, e1, e3 and d1.
inline std::string all_jwks() {
    return jwks({rsa_jwk(rsa_key(), R"(,"kid":"r1")"),
                 ec_jwk(p256_key(), "P-256", 32, R"(,"kid":"e1")"),
                 ec_jwk(p384_key(), "P-384", 48, R"(,"kid":"e3")"),
                 okp_jwk(ed25519_key(), R"(,"kid":"d1")")});
}

inline std::string public_pem(EVP_PKEY* key) {
    BIO* bio = BIO_new(BIO_s_mem());
    EXPECT_EQ(PEM_write_bio_PUBKEY(bio, key), 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(bio);
    return pem;
}

// -- importing

inline std::shared_ptr<const KeySet> imported_jwks(const std::string& json,
                                                   Algorithms allowed = {}) {
    std::vector<std::string> skipped;
    std::string why;
    auto set = import_jwks(json, allowed, skipped, why);
    EXPECT_NE(set, nullptr) << why;
    EXPECT_TRUE(skipped.empty()) << skipped.front();
    return set;
}

inline std::shared_ptr<const KeySet> imported_secret(const std::string& secret = kSecret,
                                                     Algorithms allowed = {}) {
    std::string why;
    auto set = import_secret(secret, allowed, why);
    EXPECT_NE(set, nullptr) << why;
    return set;
}

}  // namespace herald::jwt::testing
