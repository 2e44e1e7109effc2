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

struct FreeMac {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

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

// A context for each of HS256, HS384 and HS512, still without a key: looking the algorithms up by
// name costs more than a token's hash. Made once and never freed: OpenSSL may be gone at exit.
std::array<EVP_MAC_CTX*, 3> make_macs() {
    std::array<EVP_MAC_CTX*, 3> macs{};
    EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    constexpr std::array kHashes{Algorithm::HS256, Algorithm::HS384, Algorithm::HS512};
    for (size_t i = 0; i < macs.size(); ++i) {
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                             const_cast<char*>(digest_of(kHashes[i])), 0),
            OSSL_PARAM_construct_end()};
        macs[i] = EVP_MAC_CTX_new(hmac);
        if (macs[i] == nullptr || EVP_MAC_CTX_set_params(macs[i], params) != 1)
            throw std::bad_alloc();
    }
    EVP_MAC_free(hmac);  // the contexts hold it
    return macs;
}

bool verify_secret(const Key& key, Algorithm algorithm, std::string_view text,
                   std::string_view signature) {
    static const std::array<EVP_MAC_CTX*, 3> macs = make_macs();
    const auto which = static_cast<size_t>(algorithm) - static_cast<size_t>(Algorithm::HS256);
    const std::unique_ptr<EVP_MAC_CTX, FreeMac> mac(EVP_MAC_CTX_dup(macs.at(which)));
    if (mac == nullptr)
        throw std::bad_alloc();

    unsigned char expected[EVP_MAX_MD_SIZE];
    size_t length = 0;
    if (EVP_MAC_init(mac.get(), bytes_of(key.secret), key.secret.size(), nullptr) != 1 ||
        EVP_MAC_update(mac.get(), bytes_of(text), text.size()) != 1 ||
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

bool verify_digest(EVP_PKEY* key, Algorithm algorithm, std::string_view text,
                   const unsigned char* signature, size_t length) {
    const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
    if (context == nullptr)
        throw std::bad_alloc();
    EVP_PKEY_CTX* options = nullptr;  // the context's
    if (EVP_DigestVerifyInit_ex(context.get(), &options, digest_of(algorithm), nullptr, nullptr,
                                key, nullptr) != 1)
        return false;
    // RFC 7518, section 3.5: the salt is as long as the digest, and MGF1 uses the same digest
    // (OpenSSL's default).
    const bool pss = algorithm == Algorithm::PS256 || algorithm == Algorithm::PS384 ||
                     algorithm == Algorithm::PS512;
    if (pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
        return false;
    return EVP_DigestVerify(context.get(), signature, length, bytes_of(text), text.size()) == 1;
}

bool verify_public(const Key& key, Algorithm algorithm, std::string_view text,
                   std::string_view signature) {
    EVP_PKEY* const pkey = key.public_key.get();
    if (algorithm == Algorithm::ES256 || algorithm == Algorithm::ES384) {
        Der der;
        if (signature.size() != (algorithm == Algorithm::ES256 ? 64u : 96u))
            return false;
        const size_t length = to_der(signature, der);
        return length != 0 && verify_digest(pkey, algorithm, text, der.data(), length);
    }
    // Of RSA as long as the modulus (RFC 8017, sections 8.1.2 and 8.2.2), of Ed25519 64 bytes.
    if (signature.size() != static_cast<size_t>(EVP_PKEY_get_size(pkey)))
        return false;
    return verify_digest(pkey, algorithm, text, bytes_of(signature), signature.size());
}

}  // namespace

bool verify_signature(const Key& key, Algorithm algorithm, std::string_view signed_text,
                      std::string_view signature) {
    if (!key.algorithms.has(algorithm))
        return false;
    const bool secret = algorithm == Algorithm::HS256 || algorithm == Algorithm::HS384 ||
                        algorithm == Algorithm::HS512;
    if (secret ? key.secret.empty() : key.public_key == nullptr)
        return false;
    const bool good = secret ? verify_secret(key, algorithm, signed_text, signature)
                             : verify_public(key, algorithm, signed_text, signature);
    ERR_clear_error();
    return good;
}

}  // namespace herald::jwt
