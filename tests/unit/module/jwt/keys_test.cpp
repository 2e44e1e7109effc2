// What is taken for a key, what is passed over and why, and what is no key set.
#include "jwt/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>
#include <string_view>
#include <vector>

#include "signing.hpp"

namespace herald::jwt {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> names_of(Algorithms algorithms) {
    std::vector<std::string> names;
    for (size_t i = 0; i < kAlgorithms; ++i) {
        if (algorithms.has(static_cast<Algorithm>(i)))
            names.emplace_back(name_of(static_cast<Algorithm>(i)));
    }
    return names;
}

Algorithms only(Algorithm algorithm) {
    Algorithms algorithms;
    algorithms.add(algorithm);
    return algorithms;
}

// Why the only key of a set was passed over; empty: it was taken.
std::string reason(const std::string& jwk, Algorithms allowed = {}) {
    std::vector<std::string> skipped;
    std::string why;
    ERR_clear_error();
    const auto set = import_jwks(jwks({jwk}), allowed, skipped, why);
    EXPECT_EQ(ERR_peek_error(), 0u);
    EXPECT_NE(set, nullptr) << why;
    EXPECT_EQ(set->keys.size() + skipped.size(), 1u);
    return skipped.empty() ? "" : skipped.front();
}

std::string problem(const std::string& json) {
    std::vector<std::string> skipped;
    std::string why;
    EXPECT_EQ(import_jwks(json, {}, skipped, why), nullptr);
    return why;
}

std::string rsa_numbers(const std::string& n, const std::string& e) {
    return R"({"kty":"RSA","n":")" + encode_base64url(n) + R"(","e":")" + encode_base64url(e) +
           "\"}";
}

TEST(Algorithms, HaveTheNamesOfTheRfcsInTheirCase) {
    for (const char* name : {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384",
                             "PS512", "ES256", "ES384", "EdDSA"}) {
        ASSERT_TRUE(algorithm_of(name)) << name;
        EXPECT_EQ(name_of(*algorithm_of(name)), name);
    }
    for (const char* name : {"", "none", "hs256", "HS256 ", "HS25", "ES512", "EDDSA"})
        EXPECT_FALSE(algorithm_of(name)) << name;
}

// -- secrets

TEST(ImportSecret, IsForHs256UnlessToldOtherwise) {
    EXPECT_THAT(names_of(imported_secret()->keys.at(0).algorithms), ElementsAre("HS256"));
    EXPECT_THAT(names_of(imported_secret(kSecret, only(Algorithm::HS512))->keys.at(0).algorithms),
                ElementsAre("HS512"));
}

TEST(ImportSecret, RefusesWhatIsTooShort) {
    std::string why;
    EXPECT_EQ(import_secret(kSecret.substr(1), {}, why), nullptr);
    EXPECT_EQ(why, "the secret has 31 bytes; it needs at least 32");
    EXPECT_EQ(import_secret("", {}, why), nullptr);
}

TEST(ImportSecret, RefusesAlgorithmsThatNeedAKeyPair) {
    std::string why;
    EXPECT_EQ(import_secret(kSecret, only(Algorithm::RS256), why), nullptr);
    EXPECT_THAT(why, HasSubstr("HS256, HS384 or HS512"));
}

TEST(ImportSecret, RefusesWhatEverybodyMayKnow) {
    for (const std::string& secret :
         {public_pem(rsa_key()), "\n" + public_pem(p256_key()), all_jwks(), rsa_jwk(rsa_key())}) {
        std::string why;
        EXPECT_EQ(import_secret(secret, {}, why), nullptr);
        EXPECT_THAT(why, HasSubstr("PEM file or a JWK"));
    }
}

TEST(ImportSecret, TakesAnyBytes) {
    const std::string secret("\0\xff\n secret of 32 bytes or more ...", 34);
    EXPECT_EQ(imported_secret(secret)->keys.at(0).secret, secret);
}

// -- keys

TEST(ImportKey, PinsTheAlgorithmsOfItsKind) {
    auto algorithms = [](EVP_PKEY* key) {
        EVP_PKEY_up_ref(key);
        std::string why;
        return names_of(import_key(PrivateKey(key), {}, why)->keys.at(0).algorithms);
    };
    EXPECT_THAT(algorithms(rsa_key()),
                ElementsAre("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"));
    EXPECT_THAT(algorithms(p256_key()), ElementsAre("ES256"));
    EXPECT_THAT(algorithms(p384_key()), ElementsAre("ES384"));
    EXPECT_THAT(algorithms(ed25519_key()), ElementsAre("EdDSA"));
}

TEST(ImportKey, RefusesWeakAndForeignKeys) {
    std::string why;
    EXPECT_EQ(import_key(PrivateKey(EVP_RSA_gen(1024)), {}, why), nullptr);
    EXPECT_EQ(why, "the key is an RSA key of 1024 bits; it must have 2048 to 8192");
    EXPECT_EQ(import_key(PrivateKey(EVP_EC_gen("P-521")), {}, why), nullptr);
    EXPECT_THAT(why, HasSubstr("P-256 and P-384"));
    EXPECT_EQ(import_key(PrivateKey(EVP_EC_gen("secp256k1")), {}, why), nullptr);
    EXPECT_EQ(import_key(PrivateKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448")), {}, why),
              nullptr);
    EXPECT_THAT(why, HasSubstr("neither"));
}

TEST(ImportKey, KeepsToWhatIsAllowed) {
    EVP_PKEY_up_ref(rsa_key());
    std::string why;
    EXPECT_THAT(
        names_of(
            import_key(PrivateKey(rsa_key()), only(Algorithm::PS256), why)->keys.at(0).algorithms),
        ElementsAre("PS256"));
    EVP_PKEY_up_ref(rsa_key());
    EXPECT_EQ(import_key(PrivateKey(rsa_key()), only(Algorithm::HS256), why), nullptr);
    EXPECT_EQ(why,
              "the key is for RS256, RS384, RS512, PS256, PS384, PS512, and only HS256 is allowed");
}

// -- JWK sets

TEST(ImportJwks, TakesEveryKindOfPublicKey) {
    const auto set = imported_jwks(all_jwks());
    ASSERT_EQ(set->keys.size(), 4u);
    EXPECT_EQ(set->keys[0].kid, "r1");
    EXPECT_EQ(EVP_PKEY_eq(set->keys[0].public_key.get(), rsa_key()), 1);
    EXPECT_EQ(EVP_PKEY_eq(set->keys[1].public_key.get(), p256_key()), 1);
    EXPECT_EQ(EVP_PKEY_eq(set->keys[2].public_key.get(), p384_key()), 1);
    EXPECT_EQ(EVP_PKEY_eq(set->keys[3].public_key.get(), ed25519_key()), 1);
}

TEST(ImportJwks, PinsAKeyToItsOwnAlg) {
    const auto set = imported_jwks(jwks({rsa_jwk(rsa_key(), R"(,"alg":"RS256","use":"sig")")}));
    EXPECT_THAT(names_of(set->keys.at(0).algorithms), ElementsAre("RS256"));
    EXPECT_THAT(reason(rsa_jwk(rsa_key(), R"(,"alg":"RS256")"), only(Algorithm::RS512)),
                HasSubstr("not allowed"));
}

TEST(ImportJwks, PassesOverAlgsThatDoNotFitTheKey) {
    for (const char* alg : {R"("HS256")", R"("ES256")", R"("RSA-OAEP")", R"("none")", "256"})
        EXPECT_THAT(reason(rsa_jwk(rsa_key(), R"(,"alg":)" + std::string(alg))),
                    HasSubstr("has an alg"))
            << alg;
    EXPECT_THAT(reason(ec_jwk(p256_key(), "P-256", 32, R"(,"alg":"ES384")")),
                HasSubstr("has an alg"));
}

TEST(ImportJwks, PassesOverKeysForOtherUses) {
    for (const char* more :
         {R"(,"use":"enc")", R"(,"use":1)", R"(,"key_ops":["sign"])", R"(,"key_ops":[])",
          R"(,"key_ops":"verify")", R"(,"use":"sig","key_ops":["encrypt"])"})
        EXPECT_THAT(reason(rsa_jwk(rsa_key(), more)), HasSubstr("not for checking")) << more;
    EXPECT_EQ(reason(rsa_jwk(rsa_key(), R"(,"use":"sig","key_ops":["verify"])")), "");
}

TEST(ImportJwks, PassesOverPrivateAndSymmetricKeys) {
    EXPECT_THAT(reason(rsa_jwk(rsa_key(), R"(,"d":"AQAB")")), HasSubstr("private"));
    EXPECT_THAT(reason(okp_jwk(ed25519_key(), R"(,"d":"AQAB")")), HasSubstr("private"));
    Algorithms hs = only(Algorithm::HS256);
    for (Algorithms allowed : {Algorithms{}, hs})
        EXPECT_THAT(
            reason(R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"})", allowed),
            HasSubstr("symmetric"));
}

TEST(ImportJwks, PassesOverWeakRsaKeys) {
    const PrivateKey small(EVP_RSA_gen(1024));
    EXPECT_THAT(reason(rsa_jwk(small.get())), HasSubstr("of 1024 bits"));
    const std::string n = std::string(256, '\xff');
    EXPECT_EQ(reason(rsa_numbers(n, "\x03")), "");
    for (const std::string& e :
         {std::string("\x01"), std::string("\x02"), std::string("\x01\x00\x00\x00\x01", 5)})
        EXPECT_THAT(reason(rsa_numbers(n, e)), HasSubstr("whose n or e is even"));
    EXPECT_THAT(reason(rsa_numbers(std::string(255, '\xff') + '\xfe', "\x03")),
                HasSubstr("whose n or e is even"));
    EXPECT_THAT(reason(rsa_numbers(std::string(2000, '\xff'), "\x03")), HasSubstr("16000 bits"));
}

TEST(ImportJwks, DoesNotCountZerosInFrontOfTheModulus) {
    const std::string n = std::string(200, '\0') + std::string(128, '\xff');
    EXPECT_THAT(reason(rsa_numbers(n, "\x03")), HasSubstr("of 1024 bits"));
}

TEST(ImportJwks, PassesOverNumbersThatAreMissingOrNoBase64url) {
    for (const char* jwk :
         {R"({"kty":"RSA"})", R"({"kty":"RSA","n":"AQAB"})",
          R"({"kty":"RSA","n":"AQAB","e":"AQAB="})", R"({"kty":"RSA","n":12345,"e":65537})",
          R"({"kty":"RSA","n":"","e":""})"})
        EXPECT_THAT(reason(jwk), HasSubstr("without an n and an e")) << jwk;
    const std::string x = encode_base64url(std::string(31, 'x'));
    EXPECT_THAT(reason(R"({"kty":"EC","crv":"P-256","x":")" + x + R"(","y":")" + x + "\"}"),
                HasSubstr("not 32 bytes"));
    EXPECT_THAT(reason(R"({"kty":"OKP","crv":"Ed25519","x":")" + x + "\"}"),
                HasSubstr("not 32 bytes"));
}

TEST(ImportJwks, PassesOverPointsThatAreNotOnTheCurve) {
    const std::string x = encode_base64url(std::string(32, 'x'));
    EXPECT_THAT(reason(R"({"kty":"EC","crv":"P-256","x":")" + x + R"(","y":")" + x + "\"}"),
                HasSubstr("no point of its curve"));
    const std::string zero = encode_base64url(std::string(32, '\0'));
    EXPECT_THAT(reason(R"({"kty":"EC","crv":"P-256","x":")" + zero + R"(","y":")" + zero + "\"}"),
                HasSubstr("no point of its curve"));
}

TEST(ImportJwks, PassesOverOtherKindsAndCurves) {
    for (const char* jwk :
         {"{}", R"({"kty":"rsa"})", R"({"kty":1})", R"({"kty":"AKP"})", "1", "null", "[]"})
        EXPECT_NE(reason(jwk), "") << jwk;
    const PrivateKey p521(EVP_EC_gen("P-521"));
    EXPECT_THAT(reason(ec_jwk(p521.get(), "P-521", 66)), HasSubstr("P-256 and P-384"));
    EXPECT_THAT(reason(R"({"kty":"OKP","crv":"X25519","x":"AAAA"})"), HasSubstr("Ed25519"));
}

TEST(ImportJwks, NamesWhatItPassedOverWithoutBytesThatHarmALog) {
    EXPECT_EQ(reason(R"({"kty":"oct","kid":"a\n\u001b[2J\"b"})"),
              "key 1 (kid \"a??[2J?b\") is a symmetric key; a secret is configured as one, not "
              "published");
    EXPECT_THAT(reason(R"({"kty":"oct","kid":")" + std::string(1000, 'k') + "\"}"),
                HasSubstr(std::string(64, 'k') + "...\")"));
    EXPECT_THAT(reason(rsa_jwk(rsa_key(), R"(,"kid":7)")), HasSubstr("kid that is no string"));
}

TEST(ImportJwks, KeepsTheGoodKeysBesideBadOnes) {
    std::vector<std::string> skipped;
    std::string why;
    const auto set =
        import_jwks(jwks({R"({"kty":"oct"})", rsa_jwk(rsa_key()), "7"}), {}, skipped, why);
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->keys.size(), 1u);
    EXPECT_THAT(skipped, ElementsAre(HasSubstr("key 1 "), "key 3 is no JSON object"));
}

TEST(ImportJwks, TakesASetWithoutKeys) {
    EXPECT_THAT(imported_jwks(R"({"keys":[]})")->keys, IsEmpty());
}

TEST(ImportJwks, RefusesWhatIsNoSet) {
    for (const char* json :
         {"", "null", "[]", "{}", R"({"keys":{}})", R"({"keys":[]} x)", R"({"keys":[],"keys":[]})",
          "<html>not here</html>", R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", "\xff"})
        EXPECT_THAT(problem(json), HasSubstr("no JWK set")) << json;
    EXPECT_THAT(problem(std::string(60000, '[')), HasSubstr("no JWK set"));
}

TEST(ImportJwks, RefusesTwoUsableKeysOfOneName) {
    const std::string rsa = rsa_jwk(rsa_key(), R"(,"kid":"k")");
    EXPECT_EQ(problem(jwks({rsa, ec_jwk(p256_key(), "P-256", 32, R"(,"kid":"k")")})),
              "key 2 (kid \"k\") has the kid of another key of the JWK set");
    std::vector<std::string> skipped;
    std::string why;
    EXPECT_NE(import_jwks(jwks({rsa, R"({"kty":"oct","kid":"k"})"}), {}, skipped, why), nullptr);
    EXPECT_EQ(
        imported_jwks(jwks({rsa_jwk(rsa_key()), ec_jwk(p256_key(), "P-256", 32)}))->keys.size(),
        2u);
}

TEST(ImportJwks, RefusesMoreThanItsBounds) {
    std::vector<std::string> many(kMaxKeys, okp_jwk(ed25519_key()));
    EXPECT_EQ(imported_jwks(jwks(many))->keys.size(), kMaxKeys);
    many.push_back(many.front());
    EXPECT_EQ(problem(jwks(many)), "the JWK set has 33 keys; at most 32 are taken");
    const std::string set = R"({"keys":[]})";
    EXPECT_NE(imported_jwks(set + std::string(kMaxKeySet - set.size(), ' ')), nullptr);
    EXPECT_EQ(problem(set + std::string(kMaxKeySet - set.size() + 1, ' ')),
              "the JWK set has more than 64 KiB");
}

}  // namespace
}  // namespace herald::jwt
