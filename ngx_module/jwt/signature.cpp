#include "signature.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <array>
#include <new>

namespace herald::jwt {

namespace {

using Mac = std::unique_ptr<EVP_MAC_CTX, FreeContext>;
using Digest = std::unique_ptr<EVP_MD_CTX, FreeContext>;

template <typename Pointer>
Pointer not_null(Pointer pointer) {
    if (pointer == nullptr)
        throw std::bad_alloc();
    return pointer;
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

const char* digest_of(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::HS256:
        case Algorithm::RS256:
        case Algorithm::PS256:
        case Algorithm::ES256:
            return "SHA256";
        case Algorithm::HS384:
        case Algorithm::RS384:
        case Algorithm::PS384:
        case Algorithm::ES384:
            return "SHA384";
        case Algorithm::HS512:
        case Algorithm::RS512:
        case Algorithm::PS512:
            return "SHA512";
        case Algorithm::EdDSA:
            break;
    }
    return nullptr;  // Ed25519 has its own inside
}

bool is_hmac(Algorithm algorithm) {
    return algorithm == Algorithm::HS256 || algorithm == Algorithm::HS384 ||
           algorithm == Algorithm::HS512;
}

bool is_pss(Algorithm algorithm) {
    return algorithm == Algorithm::PS256 || algorithm == Algorithm::PS384 ||
           algorithm == Algorithm::PS512;
}

// nullptr where OpenSSL has no such thing.
Mac make_mac(const std::string& secret, Algorithm algorithm) {
    EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    if (hmac == nullptr)
        return nullptr;
    Mac mac(EVP_MAC_CTX_new(hmac));
    EVP_MAC_free(hmac);  // the context holds it
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         const_cast<char*>(digest_of(algorithm)), 0),
        OSSL_PARAM_construct_end()};
    if (mac == nullptr || EVP_MAC_init(mac.get(), bytes_of(secret), secret.size(), params) != 1)
        return nullptr;
    return mac;
}

Digest make_digest(EVP_PKEY* key, Algorithm algorithm) {
    Digest digest(not_null(EVP_MD_CTX_new()));
    EVP_PKEY_CTX* options = nullptr;  // the context's
    if (EVP_DigestVerifyInit_ex(digest.get(), &options, digest_of(algorithm), nullptr, nullptr, key,
                                nullptr) != 1)
        return nullptr;
    // RFC 7518, section 3.5: the salt is as long as the digest, and MGF1 uses the same digest
    // (OpenSSL's default).
    if (is_pss(algorithm) &&
        (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
        return nullptr;
    return digest;
}

bool verify_secret(const EVP_MAC_CTX* prepared, std::string_view text, std::string_view signature) {
    const Mac mac(not_null(EVP_MAC_CTX_dup(prepared)));
    unsigned char expected[EVP_MAX_MD_SIZE];
    size_t length = 0;
    if (EVP_MAC_update(mac.get(), bytes_of(text), text.size()) != 1 ||
        EVP_MAC_final(mac.get(), expected, &length, sizeof expected) != 1)
        return false;
    const bool same =
        signature.size() == length && CRYPTO_memcmp(expected, signature.data(), length) == 0;
    OPENSSL_cleanse(expected, sizeof expected);
    return same;
}

// ECDSA's two numbers, each half of `signature` (RFC 7518, section 3.4), as OpenSSL wants them: a
// DER sequence of two integers. Returns its length; 0 where one of them is zero, which no signer
// makes.
constexpr size_t kMaxHalf = 48;
using Der = std::array<unsigned char, 2 * (kMaxHalf + 3) + 2>;

size_t to_der(std::string_view signature, Der& der) {
    const size_t half = signature.size() / 2;
    size_t at = 2;
    for (std::string_view number : {signature.substr(0, half), signature.substr(half)}) {
        number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size()));
        if (number.empty())
            return 0;
        const bool sign_bit = (static_cast<unsigned char>(number[0]) & 0x80) != 0;
        der[at++] = 0x02;
        der[at++] = static_cast<unsigned char>(number.size() + sign_bit);
        if (sign_bit)
            der[at++] = 0;
        number.copy(reinterpret_cast<char*>(&der[at]), number.size());
        at += number.size();
    }
    static_assert(std::tuple_size_v<Der> - 2 < 0x80, "lengths take one byte");
    der[0] = 0x30;
    der[1] = static_cast<unsigned char>(at - 2);
    return at;
}

bool verify_digest(const EVP_MD_CTX* prepared, std::string_view text,
                   const unsigned char* signature, size_t length) {
    const Digest digest(not_null(EVP_MD_CTX_new()));
    return EVP_MD_CTX_copy_ex(digest.get(), prepared) == 1 &&
           EVP_DigestVerify(digest.get(), signature, length, bytes_of(text), text.size()) == 1;
}

bool verify_public(const Key& key, Algorithm algorithm, std::string_view text,
                   std::string_view signature) {
    const EVP_MD_CTX* prepared = key.digests[static_cast<size_t>(algorithm)].get();
    if (algorithm == Algorithm::ES256 || algorithm == Algorithm::ES384) {
        Der der;
        if (signature.size() != (algorithm == Algorithm::ES256 ? 64u : 96u))
            return false;
        const size_t length = to_der(signature, der);
        return length != 0 && verify_digest(prepared, text, der.data(), length);
    }
    // Of RSA as long as the modulus (RFC 8017, sections 8.1.2 and 8.2.2), of Ed25519 64 bytes.
    if (signature.size() != static_cast<size_t>(EVP_PKEY_get_size(key.public_key.get())))
        return false;
    return verify_digest(prepared, text, bytes_of(signature), signature.size());
}

}  // namespace

void prepare(Key& key) {
    Algorithms possible;
    for (size_t i = 0; i < kAlgorithms; ++i) {
        const auto algorithm = static_cast<Algorithm>(i);
        if (!key.algorithms.has(algorithm))
            continue;
        if (is_hmac(algorithm))
            key.macs[i] = make_mac(key.secret, algorithm);
        else
            key.digests[i] = make_digest(key.public_key.get(), algorithm);
        if (key.macs[i] != nullptr || key.digests[i] != nullptr)
            possible.add(algorithm);
    }
    ERR_clear_error();
    key.algorithms = possible;
}

bool verify_signature(const Key& key, Algorithm algorithm, std::string_view signed_text,
                      std::string_view signature) {
    if (!key.algorithms.has(algorithm))
        return false;
    const bool good =
        is_hmac(algorithm)
            ? verify_secret(key.macs[static_cast<size_t>(algorithm)].get(), signed_text, signature)
            : verify_public(key, algorithm, signed_text, signature);
    if (!good)
        ERR_clear_error();
    return good;
}

}  // namespace herald::jwt
