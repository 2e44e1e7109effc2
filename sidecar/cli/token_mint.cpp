#include "sidecar/cli/token_mint.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "jwt/base64url.hpp"

namespace herald::cli {

namespace {

using jwt::Algorithm;
using jwt::Json;

struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeEcdsa {
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
struct FreeText {
    void operator()(char* text) const { std::free(text); }
};

const unsigned char* bytes_of(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

void require(bool holds) {
    if (holds)
        return;
    ERR_clear_error();
    throw std::runtime_error("OpenSSL cannot sign with this key");
}

// -- claims

void set(json_t* object, const std::string& name, json_t* value) {
    if (json_object_setn_new(object, name.data(), name.size(), value) != 0)
        throw std::invalid_argument(
            "\"" + name + "\" cannot be a claim: it is not UTF-8, or within one that is no object");
}

json_t* string_of(const std::string& text) {
    json_t* string = json_stringn(text.data(), text.size());
    if (string == nullptr)
        throw std::invalid_argument("\"" + text + "\" cannot be in a claim: it is not UTF-8");
    return string;
}

json_t* array_of(const std::vector<std::string>& texts) {
    Json array(json_array());
    for (const std::string& text : texts)
        json_array_append_new(array.get(), string_of(text));
    return array.release();
}

// Sets the member at a dotted path. A URL is a name as a whole.
void set_at(json_t* object, std::string path, json_t* value) {
    const bool is_url = path.find("://") != path.npos;
    for (size_t dot; !is_url && (dot = path.find('.')) != path.npos; path.erase(0, dot + 1)) {
        const std::string name = path.substr(0, dot);
        json_t* inner = json_object_getn(object, name.data(), name.size());
        if (inner == nullptr) {
            inner = json_object();
            set(object, name, inner);
        }
        object = inner;
    }
    set(object, path, value);
}

void set_claim(json_t* claims, const std::string& argument) {
    const size_t equals = argument.find('=');
    if (equals == argument.npos || equals == 0)
        throw std::invalid_argument("--claim " + argument + ": expected NAME=JSON");
    const std::string name = argument.substr(0, equals);
    const std::string text = argument.substr(equals + 1);
    Json value(
        json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, nullptr));
    if (value == nullptr)
        throw std::invalid_argument("--claim " + name + ": " + text +
                                    " is no JSON; a string has quotes, for the shell within "
                                    "others: --claim '" +
                                    name + "=\"text\"'");
    set(claims, name, value.release());
}

// -- signatures

const char* digest_of(Algorithm algorithm) {
    const std::string_view name = jwt::name_of(algorithm);
    if (name.ends_with("256"))
        return "SHA256";
    if (name.ends_with("384"))
        return "SHA384";
    return name.ends_with("512") ? "SHA512" : nullptr;
}

std::string sign_with_secret(const std::string& secret, Algorithm algorithm,
                             const std::string& text) {
    std::string mac(EVP_MAX_MD_SIZE, '\0');
    size_t length = 0;
    require(EVP_Q_mac(nullptr, "HMAC", nullptr, digest_of(algorithm), nullptr, secret.data(),
                      secret.size(), bytes_of(text), text.size(), bytes_of(mac), mac.size(),
                      &length) != nullptr);
    mac.resize(length);
    return mac;
}

// RFC 7518, section 3.4: the two numbers in full length, one behind the other.
std::string from_der(const std::string& der, int half) {
    const unsigned char* at = bytes_of(der);
    const std::unique_ptr<ECDSA_SIG, FreeEcdsa> numbers(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    require(numbers != nullptr);
    std::string both(2 * static_cast<size_t>(half), '\0');
    require(BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), bytes_of(both), half) == half &&
            BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), bytes_of(both) + half, half) == half);
    return both;
}

std::string sign_with_key(EVP_PKEY* key, Algorithm algorithm, const std::string& text) {
    const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;  // the context's
    require(context != nullptr &&
            EVP_DigestSignInit_ex(context.get(), &options, digest_of(algorithm), nullptr, nullptr,
                                  key, nullptr) == 1);
    if (jwt::name_of(algorithm).starts_with("PS"))
        require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);

    size_t length = 0;
    require(EVP_DigestSign(context.get(), nullptr, &length, bytes_of(text), text.size()) == 1);
    std::string signature(length, '\0');
    require(EVP_DigestSign(context.get(), bytes_of(signature), &length, bytes_of(text),
                           text.size()) == 1);
    signature.resize(length);
    if (algorithm == Algorithm::ES256)
        return from_der(signature, 32);
    return algorithm == Algorithm::ES384 ? from_der(signature, 48) : signature;
}

std::string encode(const json_t* object) {
    const std::unique_ptr<char, FreeText> text(json_dumps(object, JSON_COMPACT));
    require(text != nullptr);
    return jwt::encode_base64url(text.get());
}

}  // namespace

Json make_claims(const Wanted& wanted, int64_t now) {
    Json claims(json_object());
    if (!wanted.iss.empty())
        set(claims.get(), "iss", string_of(wanted.iss));
    if (!wanted.sub.empty())
        set(claims.get(), "sub", string_of(wanted.sub));
    if (wanted.audiences.size() == 1)
        set(claims.get(), "aud", string_of(wanted.audiences.front()));
    else if (!wanted.audiences.empty())
        set(claims.get(), "aud", array_of(wanted.audiences));
    set(claims.get(), "iat", json_integer(now));
    if (wanted.lifetime)
        set(claims.get(), "exp", json_integer(now + *wanted.lifetime));
    if (!wanted.roles.empty())
        set_at(claims.get(), wanted.roles_claim, array_of(wanted.roles));
    for (const std::string& claim : wanted.claims)
        set_claim(claims.get(), claim);
    return claims;
}

Algorithm usual_algorithm(jwt::Algorithms possible) {
    for (Algorithm usual : {Algorithm::HS256, Algorithm::HS384, Algorithm::HS512, Algorithm::RS256,
                            Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384,
                            Algorithm::PS512, Algorithm::ES256, Algorithm::ES384})
        if (possible.has(usual))
            return usual;
    return Algorithm::EdDSA;
}

std::string mint(const TokenKey& key, Algorithm algorithm, const std::string& kid,
                 const Json& claims) {
    const Json header(json_object());
    set(header.get(), "alg", string_of(std::string(jwt::name_of(algorithm))));
    set(header.get(), "typ", string_of("JWT"));
    if (!kid.empty())
        set(header.get(), "kid", string_of(kid));

    const std::string text = encode(header.get()) + "." + encode(claims.get());
    const std::string signature = key.pair == nullptr
                                      ? sign_with_secret(key.secret, algorithm, text)
                                      : sign_with_key(key.pair.get(), algorithm, text);
    return text + "." + jwt::encode_base64url(signature);
}

}  // namespace herald::cli
