#include "jwk.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include <new>

#include "base64url.hpp"
#include "json.hpp"

namespace herald::jwt {

namespace {

using PublicKey = std::unique_ptr<EVP_PKEY, FreeKey>;

struct FreeNumber {
    void operator()(BIGNUM* number) const { BN_free(number); }
};
struct FreeBuilder {
    void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
};
struct FreeParams {
    void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
};
struct FreeImport {
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, FreeBuilder>;

template <typename Pointer>
Pointer not_null(Pointer pointer) {
    if (pointer == nullptr)
        throw std::bad_alloc();
    return pointer;
}

Builder make_builder() {
    return not_null(Builder(OSSL_PARAM_BLD_new()));
}

PublicKey build(const char* kind, const Builder& builder) {
    const std::unique_ptr<OSSL_PARAM, FreeParams> params(OSSL_PARAM_BLD_to_param(builder.get()));
    const std::unique_ptr<EVP_PKEY_CTX, FreeImport> context(
        EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* key = nullptr;
    if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        ERR_clear_error();
        return nullptr;
    }
    return PublicKey(key);
}

// The bytes of a member in base64url. Empty: it is not there, or is something else.
std::string bytes_member(const json_t* jwk, const char* name) {
    std::string bytes;
    if (!decode_base64url(string_member(jwk, name), bytes))
        bytes.clear();
    return bytes;
}

Number number_of(const std::string& bytes) {
    return not_null(Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()), nullptr)));
}

PublicKey import_rsa(const json_t* jwk, std::string& why) {
    const Number n = number_of(bytes_member(jwk, "n"));
    const Number e = number_of(bytes_member(jwk, "e"));
    if (BN_is_zero(n.get()) || BN_is_zero(e.get())) {
        why = "is an RSA key without an n and an e in base64url";
        return nullptr;
    }
    const Builder builder = make_builder();
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
    PublicKey key = build("RSA", builder);
    if (key == nullptr)
        why = "is an RSA key that OpenSSL refuses";
    return key;
}

PublicKey import_ec(const json_t* jwk, std::string& why) {
    const std::string_view curve = string_member(jwk, "crv");
    if (curve != "P-256" && curve != "P-384") {
        why = "is an EC key of another curve than P-256 and P-384";
        return nullptr;
    }
    const std::string x = bytes_member(jwk, "x");
    const std::string y = bytes_member(jwk, "y");
    const size_t size = curve == "P-256" ? 32 : 48;
    if (x.size() != size || y.size() != size) {
        why = "is an EC key whose x or y is not " + std::to_string(size) + " bytes in base64url";
        return nullptr;
    }
    const std::string point = '\x04' + x + y;  // SEC 1, section 2.3.3: uncompressed
    const Builder builder = make_builder();
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                    curve == "P-256" ? SN_X9_62_prime256v1 : SN_secp384r1, 0);
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
    PublicKey key = build("EC", builder);
    if (key == nullptr)
        why = "is an EC key whose x and y are no point of its curve";
    return key;
}

PublicKey import_okp(const json_t* jwk, std::string& why) {
    if (string_member(jwk, "crv") != "Ed25519") {
        why = "is an OKP key of another curve than Ed25519";
        return nullptr;
    }
    const std::string x = bytes_member(jwk, "x");
    if (x.size() != 32) {
        why = "is an Ed25519 key whose x is not 32 bytes in base64url";
        return nullptr;
    }
    const Builder builder = make_builder();
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, x.data(), x.size());
    PublicKey key = build("ED25519", builder);
    if (key == nullptr)
        why = "is an Ed25519 key that OpenSSL refuses";
    return key;
}

Number number_of(const EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    EVP_PKEY_get_bn_param(key, name, &number);
    return not_null(Number(number));
}

// Empty, or what is wrong. With an exponent of 1 a signature is the text itself; a large one makes
// every check expensive.
std::string rsa_problem(const EVP_PKEY* key) {
    const int bits = EVP_PKEY_get_bits(key);
    if (bits < kMinRsaBits || bits > kMaxRsaBits)
        return "is an RSA key of " + std::to_string(bits) + " bits; it must have " +
               std::to_string(kMinRsaBits) + " to " + std::to_string(kMaxRsaBits);
    const Number n = number_of(key, OSSL_PKEY_PARAM_RSA_N);
    const Number e = number_of(key, OSSL_PKEY_PARAM_RSA_E);
    if (!BN_is_odd(n.get()) || !BN_is_odd(e.get()) || BN_is_one(e.get()) ||
        BN_num_bits(e.get()) > 32)
        return "is an RSA key whose n or e is even, or whose e is 1 or has more than 32 bits";
    return {};
}

}  // namespace

PublicKey import_jwk(const json_t* jwk, std::string& why) {
    const std::string_view kind = string_member(jwk, "kty");
    if (kind == "oct") {
        why = "is a symmetric key; a secret is configured as one, not published";
        return nullptr;
    }
    if (json_object_get(jwk, "d") != nullptr) {
        why = "is a private key; only its public half belongs here";
        return nullptr;
    }
    if (kind == "RSA")
        return import_rsa(jwk, why);
    if (kind == "EC")
        return import_ec(jwk, why);
    if (kind == "OKP")
        return import_okp(jwk, why);
    why = "has a kty other than RSA, EC and OKP";
    return nullptr;
}

Algorithms algorithms_of(const EVP_PKEY* key, std::string& why) {
    Algorithms algorithms;
    auto add = [&algorithms](std::initializer_list<Algorithm> list) {
        for (Algorithm algorithm : list)
            algorithms.add(algorithm);
        return algorithms;
    };
    if (EVP_PKEY_is_a(key, "RSA")) {
        why = rsa_problem(key);
        if (!why.empty())
            return {};
        return add({Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256,
                    Algorithm::PS384, Algorithm::PS512});
    }
    if (EVP_PKEY_is_a(key, "EC")) {
        char curve[64] = "";
        EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr);
        const std::string_view name = curve;
        if (name == SN_X9_62_prime256v1)
            return add({Algorithm::ES256});
        if (name == SN_secp384r1)
            return add({Algorithm::ES384});
        why = "is an EC key of another curve than P-256 and P-384";
        return {};
    }
    if (EVP_PKEY_is_a(key, "ED25519"))
        return add({Algorithm::EdDSA});
    why = "is neither an RSA nor an EC nor an Ed25519 key";
    return {};
}

}  // namespace herald::jwt
