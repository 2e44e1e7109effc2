// Tokens that pass, what is read from them, and which verdict counts where several issuers differ.
#include "jwt/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "signing.hpp"

namespace herald::jwt {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kNow = 1'000'000;

Algorithms of(std::initializer_list<Algorithm> list) {
    Algorithms algorithms;
    for (Algorithm algorithm : list)
        algorithms.add(algorithm);
    return algorithms;
}

Issuer secret_issuer() {
    Issuer issuer;
    issuer.name = "app";
    issuer.keys = {imported_secret()};
    return issuer;
}

Issuer jwks_issuer() {
    Issuer issuer;
    issuer.name = "id";
    issuer.keys = {imported_jwks(all_jwks())};
    return issuer;
}

Verdict judge(const std::string& text, const Issuer& issuer, Claims& claims, int64_t now = kNow) {
    const Issuer* issuers[] = {&issuer};
    return verify(text, issuers, now, claims);
}

Verdict judge(const std::string& text, const Issuer& issuer, int64_t now = kNow) {
    Claims claims;
    return judge(text, issuer, claims, now);
}

std::string hs(const std::string& claims, const std::string& header = R"({"alg":"HS256"})") {
    return token(Algorithm::HS256, header, claims);
}

TEST(Verify, JudgesAHeaderThatItHasSeenBeforeAsTheFirstTime) {
    const Issuer issuer = secret_issuer();
    const std::string good = hs(R"({"sub":"u"})");
    const std::string none = hs(R"({"sub":"u"})", R"({"alg":"none"})");
    const std::string critical = hs(R"({"sub":"u"})", R"({"alg":"HS256","crit":["x"]})");
    for (int turn = 0; turn < 3; ++turn) {
        EXPECT_EQ(judge(good, issuer), Verdict::Valid);
        EXPECT_EQ(judge(none, issuer), Verdict::UnknownAlgorithm);
        EXPECT_EQ(judge(critical, issuer), Verdict::Malformed);
    }
}

TEST(Verify, AcceptsEveryAlgorithmByItsOwnKeyWithAndWithoutKid) {
    const std::pair<Algorithm, std::string> signers[] = {
        {Algorithm::RS256, "r1"}, {Algorithm::RS384, "r1"}, {Algorithm::RS512, "r1"},
        {Algorithm::PS256, "r1"}, {Algorithm::PS384, "r1"}, {Algorithm::PS512, "r1"},
        {Algorithm::ES256, "e1"}, {Algorithm::ES384, "e3"}, {Algorithm::EdDSA, "d1"}};
    const Issuer issuer = jwks_issuer();
    for (const auto& [algorithm, kid] : signers) {
        const std::string alg(name_of(algorithm));
        EXPECT_EQ(judge(token(algorithm, R"({"alg":")" + alg + "\"}", "{}"), issuer),
                  Verdict::Valid)
            << alg;
        EXPECT_EQ(judge(token(algorithm, R"({"kid":")" + kid + R"(","alg":")" + alg + "\"}", "{}"),
                        issuer),
                  Verdict::Valid)
            << alg;
    }
}

TEST(Verify, AcceptsTheHashesThatASecretIsAllowed) {
    Issuer issuer;
    issuer.keys = {imported_secret(
        kSecret, of({Algorithm::HS256, Algorithm::HS384, Algorithm::HS512, Algorithm::RS256}))};
    for (Algorithm algorithm : {Algorithm::HS256, Algorithm::HS384, Algorithm::HS512}) {
        const std::string alg(name_of(algorithm));
        EXPECT_EQ(judge(token(algorithm, R"({"alg":")" + alg + "\"}", "{}"), issuer),
                  Verdict::Valid)
            << alg;
    }
    issuer.algorithms = of({Algorithm::HS384});
    EXPECT_EQ(judge(hs("{}"), issuer), Verdict::WrongAlgorithm);
    EXPECT_EQ(judge(token(Algorithm::HS384, R"({"alg":"HS384"})", "{}"), issuer), Verdict::Valid);
}

// RSA and ECDSA signatures whose numbers are short, or have the upper bit set, come by chance.
TEST(Verify, AcceptsEcdsaSignaturesOfEveryShape) {
    const Issuer issuer = jwks_issuer();
    for (int i = 0; i < 600; ++i) {
        const std::string claims = R"({"i":)" + std::to_string(i) + "}";
        ASSERT_EQ(judge(token(Algorithm::ES256, R"({"alg":"ES256"})", claims), issuer),
                  Verdict::Valid);
    }
}

TEST(Verify, AcceptsASecretsTokenWithAnyKid) {
    EXPECT_EQ(judge(hs("{}", R"({"alg":"HS256","kid":"whatever"})"), secret_issuer()),
              Verdict::Valid);
}

TEST(Verify, AcceptsTheTypesOfTokensInAnyCase) {
    for (std::string_view typ :
         {"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/JWT"}) {
        const std::string header = R"({"alg":"HS256","typ":")" + std::string(typ) + "\"}";
        EXPECT_EQ(judge(hs("{}", header), secret_issuer()), Verdict::Valid) << typ;
    }
}

TEST(Verify, IgnoresKeysThatTheTokenBringsAlong) {
    const std::string header = R"({"alg":"HS256","jku":"https://evil.example","x5u":"x",)"
                               R"("x5c":["x"],"jwk":{"kty":"oct","k":"AAAA"}})";
    EXPECT_EQ(judge(hs("{}", header), secret_issuer()), Verdict::Valid);
}

TEST(Verify, AcceptsATokenAsLongAsAllowed) {
    std::string text;
    for (size_t pad = 6000; text.size() < kMaxToken; ++pad)
        text = hs(R"({"pad":")" + std::string(pad, 'x') + "\"}");
    ASSERT_EQ(text.size(), kMaxToken);
    EXPECT_EQ(judge(text, secret_issuer()), Verdict::Valid);
    text = hs(R"({"pad":")" + std::string(8000, 'x') + "\"}");
    EXPECT_EQ(judge(text, secret_issuer()), Verdict::Malformed);
}

TEST(Verify, AcceptsNestingUpToTheBound) {
    auto nested = [](size_t depth) {
        return hs(R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}");
    };
    EXPECT_EQ(judge(nested(kMaxDepth), secret_issuer()), Verdict::Valid);
    EXPECT_EQ(judge(nested(kMaxDepth + 1), secret_issuer()), Verdict::Malformed);
}

TEST(Verify, DoesNotCountBracketsInStrings) {
    EXPECT_EQ(judge(hs(R"({"a":")" + std::string(100, '[') + R"(\"[\\"})"), secret_issuer()),
              Verdict::Valid);
}

TEST(Verify, ExpiresAtExpPlusLeeway) {
    const std::string text = hs(R"({"exp":1000})");
    EXPECT_EQ(judge(text, secret_issuer(), 1029), Verdict::Valid);
    EXPECT_EQ(judge(text, secret_issuer(), 1030), Verdict::Expired);
    Issuer strict = secret_issuer();
    strict.leeway = 0;
    EXPECT_EQ(judge(text, strict, 999), Verdict::Valid);
    EXPECT_EQ(judge(text, strict, 1000), Verdict::Expired);
}

TEST(Verify, RoundsTimesDown) {
    Claims claims;
    ASSERT_EQ(judge(hs(R"({"exp":1000.99,"iat":-0.5})"), secret_issuer(), claims, 1029),
              Verdict::Valid);
    EXPECT_EQ(claims.expires, 1000);
    EXPECT_EQ(claims.issued, -1);
    EXPECT_EQ(judge(hs(R"({"exp":1000.99})"), secret_issuer(), 1030), Verdict::Expired);
}

TEST(Verify, AllowsNbfAndIatAheadByTheLeeway) {
    for (const char* claim : {"nbf", "iat"}) {
        const std::string text = hs(R"({")" + std::string(claim) + R"(":1000})");
        EXPECT_EQ(judge(text, secret_issuer(), 970), Verdict::Valid) << claim;
        EXPECT_EQ(judge(text, secret_issuer(), 969), Verdict::NotYetValid) << claim;
    }
}

TEST(Verify, KeepsHugeTimesWithinBoundsThatMillisecondsFit) {
    for (const char* exp : {"1e300", "9223372036854775807", "1e16"}) {
        Claims claims;
        ASSERT_EQ(judge(hs(R"({"exp":)" + std::string(exp) + "}"), secret_issuer(), claims),
                  Verdict::Valid);
        EXPECT_EQ(claims.expires, int64_t{1} << 53) << exp;
    }
}

TEST(Verify, AcceptsOneOfTheAudiencesAsAStringOrInAnArray) {
    Issuer issuer = secret_issuer();
    issuer.audiences = {"herald", "events"};
    EXPECT_EQ(judge(hs(R"({"aud":"events"})"), issuer), Verdict::Valid);
    EXPECT_EQ(judge(hs(R"({"aud":["x","herald"]})"), issuer), Verdict::Valid);
    EXPECT_EQ(judge(hs(R"({"aud":["x"]})"), issuer), Verdict::WrongAudience);
    EXPECT_EQ(judge(hs(R"({"aud":"x"})"), secret_issuer()), Verdict::Valid);
}

TEST(Verify, FillsTheClaims) {
    Issuer issuer = secret_issuer();
    issuer.leeway = 7;
    issuer.user_claim = "account.id";
    issuer.roles_claim = "realm_access.roles";
    Claims claims;
    ASSERT_EQ(judge(hs(R"({"iss":"me","sub":"s1","jti":"j1","exp":1000100,"iat":999000,)"
                       R"("account":{"id":42},"realm_access":{"roles":["a","b",7]}})"),
                    issuer, claims),
              Verdict::Valid);
    EXPECT_EQ(claims.issuer, "app");
    EXPECT_EQ(claims.iss, "me");
    EXPECT_EQ(claims.sub, "s1");
    EXPECT_EQ(claims.jti, "j1");
    EXPECT_EQ(claims.user, "42");
    EXPECT_THAT(claims.roles, ElementsAre("a", "b"));
    EXPECT_EQ(claims.expires, 1000100);
    EXPECT_EQ(claims.issued, 999000);
    EXPECT_EQ(claims.leeway, 7);
    EXPECT_TRUE(json_is_object(claims.all.get()));
}

// -- several issuers

TEST(Verify, AcceptsWhatOneOfTwoIssuersOfTheSameNameSigned) {
    Issuer older = secret_issuer(), newer = jwks_issuer();
    older.iss = newer.iss = "me";
    const Issuer* issuers[] = {&newer, &older};
    std::vector<const Issuer*> unknown;
    Claims claims;
    EXPECT_EQ(verify(hs(R"({"iss":"me"})"), issuers, kNow, claims, &unknown), Verdict::Valid);
    EXPECT_EQ(claims.issuer, "app");
    EXPECT_TRUE(unknown.empty());
    EXPECT_EQ(verify(token(Algorithm::ES256, R"({"alg":"ES256"})", R"({"iss":"me"})"), issuers,
                     kNow, claims),
              Verdict::Valid);
    EXPECT_EQ(claims.issuer, "id");
}

TEST(Verify, SaysHowFarATokenCameAtBest) {
    Issuer other = secret_issuer(), own = secret_issuer();
    other.iss = "other";
    own.iss = "me";
    const Issuer* issuers[] = {&own, &other};
    Claims claims;
    EXPECT_EQ(verify(hs(R"({"iss":"me","exp":5})"), issuers, kNow, claims), Verdict::Expired);
    EXPECT_EQ(verify(hs(R"({"iss":"nobody"})"), issuers, kNow, claims), Verdict::WrongIssuer);
    EXPECT_EQ(verify(hs(R"({"iss":"me"})"), {}, kNow, claims), Verdict::WrongIssuer);
}

TEST(Verify, SaysWhenAnIssuerHasNoKeys) {
    Issuer issuer;
    EXPECT_EQ(judge(hs("{}"), issuer), Verdict::NoKeys);
    issuer.keys = {nullptr, imported_jwks(R"({"keys":[]})")};
    EXPECT_EQ(judge(hs("{}"), issuer), Verdict::NoKeys);
}

TEST(Verify, NamesTheIssuersThatLackTheKeyWhateverOthersSay) {
    Issuer published = jwks_issuer(), shared = secret_issuer(), second = jwks_issuer();
    const Issuer* issuers[] = {&published, &shared, &second};
    std::vector<const Issuer*> unknown;
    Claims claims;
    const std::string text = token(Algorithm::RS256, R"({"alg":"RS256","kid":"new"})", "{}");
    EXPECT_EQ(verify(text, issuers, kNow, claims, &unknown), Verdict::WrongAlgorithm);
    EXPECT_EQ(unknown, (std::vector<const Issuer*>{&published, &second}));
}

TEST(Verify, LacksAKeyWhenASecretBesideTheKeySetCannotHelp) {
    Issuer issuer = jwks_issuer();
    issuer.keys.push_back(imported_secret());
    EXPECT_EQ(judge(token(Algorithm::RS256, R"({"alg":"RS256","kid":"new"})", "{}"), issuer),
              Verdict::UnknownKey);
    EXPECT_EQ(judge(hs("{}", R"({"alg":"HS256","kid":"new"})"), issuer), Verdict::Valid);
}

TEST(Verify, TriesFourKeysAtMostForATokenWithoutKid) {
    std::vector<std::string> keys;
    for (int i = 0; i < 4; ++i) {
        const PrivateKey other(EVP_EC_gen("P-256"));
        keys.push_back(ec_jwk(other.get(), "P-256", 32));
    }
    const std::string text = token(Algorithm::ES256, R"({"alg":"ES256"})", "{}");
    const std::string named = token(Algorithm::ES256, R"({"alg":"ES256","kid":"e1"})", "{}");
    Issuer issuer;

    std::vector<std::string> fifth = keys;
    fifth.push_back(ec_jwk(p256_key(), "P-256", 32, R"(,"kid":"e1")"));
    issuer.keys = {imported_jwks(jwks(fifth))};
    EXPECT_EQ(judge(text, issuer), Verdict::BadSignature);
    EXPECT_EQ(judge(named, issuer), Verdict::Valid);

    // Keys for other algorithms do not count.
    std::vector<std::string> fourth(keys.begin(), keys.begin() + 3);
    fourth.insert(fourth.begin(), {rsa_jwk(rsa_key()), okp_jwk(ed25519_key())});
    fourth.push_back(ec_jwk(p256_key(), "P-256", 32, R"(,"kid":"e1")"));
    issuer.keys = {imported_jwks(jwks(fourth))};
    EXPECT_EQ(judge(text, issuer), Verdict::Valid);
}

// -- claims

TEST(FindClaim, FollowsADottedPath) {
    const Json claims = parse_object(R"({"a":{"b":{"c":1}},"x":[1]})");
    EXPECT_EQ(json_integer_value(find_claim(claims.get(), "a.b.c")), 1);
    EXPECT_TRUE(json_is_object(find_claim(claims.get(), "a.b")));
    for (const char* path : {"", ".", "a.", ".a", "a..b", "b", "a.c", "a.b.c.d", "x.0"})
        EXPECT_EQ(find_claim(claims.get(), path), nullptr) << path;
}

TEST(FindClaim, PrefersAMemberWhoseNameHasTheDots) {
    const Json claims = parse_object(
        R"({"https://example.com/roles":["r"],"a.b":1,"a":{"b":2},"n":{"x.y":{"z":3}}})");
    EXPECT_TRUE(json_is_array(find_claim(claims.get(), "https://example.com/roles")));
    EXPECT_EQ(json_integer_value(find_claim(claims.get(), "a.b")), 1);
    EXPECT_EQ(json_integer_value(find_claim(claims.get(), "n.x.y.z")), 3);
}

TEST(HasClaim, ComparesWholeTextsNumbersAndBooleans) {
    const Json claims = parse_object(
        R"({"t":"acme corp","n":42,"b":true,"r":4.5,"o":{"a":["x",7,[1]]},"null":null})");
    auto has = [&claims](const char* path, const char* value) {
        return has_claim(claims.get(), path, value);
    };
    EXPECT_TRUE(has("t", "acme corp"));
    EXPECT_TRUE(has("n", "42"));
    EXPECT_TRUE(has("b", "true"));
    EXPECT_TRUE(has("o.a", "x"));
    EXPECT_TRUE(has("o.a", "7"));
    EXPECT_FALSE(has("t", "acme"));
    EXPECT_FALSE(has("t", ""));
    EXPECT_FALSE(has("n", "042"));
    EXPECT_FALSE(has("b", "false"));
    EXPECT_FALSE(has("o.a", "1"));
    EXPECT_FALSE(has("o", "x"));
    EXPECT_FALSE(has("null", ""));
    EXPECT_FALSE(has("missing", ""));
}

TEST(WordsOf, AreAnArraysStringsOrAStringsWords) {
    const Json json = parse_object(R"({"a":["x","y z",1,null],"s":" read  write ","n":1})");
    EXPECT_THAT(words_of(json_object_get(json.get(), "a")), ElementsAre("x", "y z"));
    EXPECT_THAT(words_of(json_object_get(json.get(), "s")), ElementsAre("read", "write"));
    EXPECT_THAT(words_of(json_object_get(json.get(), "n")), IsEmpty());
    EXPECT_THAT(words_of(nullptr), IsEmpty());
}

}  // namespace
}  // namespace herald::jwt
