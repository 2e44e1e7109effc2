// Tokens that must not pass, each with the verdict that says why. Nearly all are signed with a key
// that is right, so that it is the rule that refuses them.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <ostream>
#include <string>
#include <string_view>

#include "jwt/verify.hpp"
#include "signing.hpp"

namespace herald::jwt {
namespace {

using namespace testing;
using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr int64_t kNow = 1'000'000;

// Two issuers: "id" with the four public keys, for the audience "herald"; "app" with a secret.
constexpr auto kHs = R"({"alg":"HS256"})"sv;
constexpr auto kRs = R"({"alg":"RS256","kid":"r1"})"sv;
constexpr auto kEs = R"({"alg":"ES256","kid":"e1"})"sv;
constexpr auto kApp = R"({"iss":"app","exp":2000000})"sv;
constexpr auto kId = R"({"iss":"id","aud":"herald","exp":2000000})"sv;

std::string app(std::string_view header, std::string_view claims = kApp) {
    return token(Algorithm::HS256, header, claims);
}
std::string app_claims(std::string_view more) {
    return app(kHs, R"({"iss":"app",)" + std::string(more) + "}");
}
std::string id(std::string_view header, std::string_view claims = kId) {
    return token(Algorithm::RS256, header, claims);
}
std::string id_claims(std::string_view claims) {
    return id(kRs, claims);
}
// Signed with `secret`, and says that it is of "id".
std::string confused(std::string_view secret) {
    const std::string text = unsigned_token(R"({"alg":"HS256","kid":"r1"})", kId);
    return join(text, hmac(secret, text));
}
std::string es256(const std::string& forged) {
    return join(unsigned_token(kEs, kId), forged);
}
std::string es256_halves(const std::string& r, const std::string& s) {
    return es256(r + s);
}
std::string with_signature(std::string_view text) {
    return unsigned_token(kHs, kApp) + "." + std::string(text);
}
// A part that is no base64url: `text` stands as it is.
std::string parts(std::string_view header, std::string_view claims) {
    const std::string text = std::string(header) + "." + std::string(claims);
    return join(text, hmac(kSecret, text));
}
std::string nested(size_t depth) {
    return app_claims(R"("deep":)" + std::string(depth, '[') + std::string(depth, ']'));
}

struct Bad {
    const char* name;
    Verdict expected;
    std::string (*make)();
};

void PrintTo(const Bad& bad, std::ostream* out) {
    *out << bad.name;
}

// clang-format off
const Bad kForms[] = {
    {"Empty", Verdict::Malformed, [] { return ""s; }},
    {"OneDot", Verdict::Malformed, [] { return "."s; }},
    {"TwoDots", Verdict::Malformed, [] { return ".."s; }},
    {"ThreeDots", Verdict::Malformed, [] { return app(kHs) + "."; }},
    {"FourParts", Verdict::Malformed, [] { return app(kHs) + ".AAAA"; }},
    {"DotInFront", Verdict::Malformed, [] { return "." + app(kHs); }},
    {"JweOfFiveParts", Verdict::Malformed, [] { return app(kHs) + ".AAAA.AAAA"; }},
    {"NoHeader", Verdict::Malformed, [] { return parts("", encode_base64url(kApp)); }},
    {"NoClaims", Verdict::Malformed, [] { return parts(encode_base64url(kHs), ""); }},
    {"NoSignature", Verdict::BadSignature, [] { return with_signature(""); }},
    {"NoSignaturePart", Verdict::Malformed, [] { return unsigned_token(kHs, kApp); }},
    {"PaddedHeader", Verdict::Malformed, [] { return parts(encode_base64url(kHs) + "=", encode_base64url(kApp)); }},
    {"OverpaddedHeader", Verdict::Malformed, [] { return "A===.x.y"s; }},
    {"PaddedSignature", Verdict::Malformed, [] { return app(kHs) + "="; }},
    {"TrailingBitsInTheSignature", Verdict::Malformed, [] {
        // 32 bytes are 43 characters, of whose last two bits are unused.
        std::string text = app(kHs);
        text.back() = static_cast<char>(text.back() + 1);
        return text;
    }},
    {"OrdinaryBase64", Verdict::Malformed, [] { return with_signature(std::string(42, '+') + "A"); }},
    {"SpaceBehind", Verdict::Malformed, [] { return app(kHs) + " "; }},
    {"SpaceInFront", Verdict::Malformed, [] { return " " + app(kHs); }},
    {"NewlineBehind", Verdict::Malformed, [] { return app(kHs) + "\n"; }},
    {"NewlineInside", Verdict::Malformed, [] { return app(kHs).insert(5, "\r\n"); }},
    {"NulBehind", Verdict::Malformed, [] { return app(kHs) + '\0'; }},
    {"UnicodeInside", Verdict::Malformed, [] { return app(kHs).insert(5, "\xc3\xa9"); }},
    {"FullWidthDots", Verdict::Malformed, [] { return "e30\xef\xbc\x8e" "e30\xef\xbc\x8e" "AA"s; }},
    {"BearerInFront", Verdict::Malformed, [] { return "Bearer " + app(kHs); }},
    {"JustTooLong", Verdict::Malformed, [] {
        const std::string frame = app_claims(R"("pad":"")");
        // Twelve characters for nine bytes: the length is reached to within a group.
        std::string text = app_claims(R"("pad":")" + std::string((kMaxToken - frame.size()) * 3 / 4 + 4, 'x') + "\"");
        EXPECT_GT(text.size(), kMaxToken);
        EXPECT_LT(text.size(), kMaxToken + 16);
        return text;
    }},
    {"AMegabyte", Verdict::Malformed, [] { return std::string(1 << 20, 'A'); }},
    {"AMegabyteOfDots", Verdict::Malformed, [] { return std::string(1 << 20, '.'); }},
    {"JsonItself", Verdict::Malformed, [] { return R"({"alg":"none"}.{"iss":"app"}.)"s; }},
};

const Bad kHeaders[] = {
    {"AlgNone", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":"none"})"); }},
    {"AlgNoneUnsigned", Verdict::UnknownAlgorithm, [] { return unsigned_token(R"({"alg":"none"})", kApp) + "."; }},
    {"AlgNoneInCapitals", Verdict::UnknownAlgorithm, [] { return unsigned_token(R"({"alg":"NONE"})", kApp) + "."; }},
    {"AlgNoneInMixedCase", Verdict::UnknownAlgorithm, [] { return unsigned_token(R"({"alg":"nOnE"})", kApp) + "."; }},
    {"AlgNoneEscaped", Verdict::UnknownAlgorithm, [] { return unsigned_token(R"({"alg":"\u006eone"})", kApp) + "."; }},
    {"AlgEmpty", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":""})"); }},
    {"AlgInLowerCase", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":"hs256"})"); }},
    {"AlgWithASpace", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":"HS256 "})"); }},
    {"AlgHs1", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":"HS1"})"); }},
    {"AlgEs512", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":"ES512"})"); }},
    {"AlgEs256k", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":"ES256K"})"); }},
    {"AlgOfEncryption", Verdict::UnknownAlgorithm, [] { return app(R"({"alg":"dir","enc":"A256GCM"})"); }},
    {"AlgMissing", Verdict::Malformed, [] { return app(R"({"typ":"JWT"})"); }},
    {"AlgNull", Verdict::Malformed, [] { return app(R"({"alg":null})"); }},
    {"AlgNumber", Verdict::Malformed, [] { return app(R"({"alg":256})"); }},
    {"AlgArray", Verdict::Malformed, [] { return app(R"({"alg":["HS256"]})"); }},
    {"AlgTwice", Verdict::Malformed, [] { return app(R"({"alg":"none","alg":"HS256"})"); }},
    {"AlgTwiceByEscape", Verdict::Malformed, [] { return app(R"({"alg":"HS256","\u0061lg":"none"})"); }},
    {"HeaderArray", Verdict::Malformed, [] { return app(R"([{"alg":"HS256"}])"); }},
    {"HeaderString", Verdict::Malformed, [] { return app(R"("HS256")"); }},
    {"HeaderEmptyObject", Verdict::Malformed, [] { return app("{}"); }},
    {"HeaderWithGarbageBehind", Verdict::Malformed, [] { return app(R"({"alg":"HS256"}x)"); }},
    {"HeaderTwice", Verdict::Malformed, [] { return app(R"({"alg":"HS256"}{"alg":"HS256"})"); }},
    {"HeaderWithByteOrderMark", Verdict::Malformed, [] { return app("\xef\xbb\xbf{\"alg\":\"HS256\"}"); }},
    {"HeaderWithComment", Verdict::Malformed, [] { return app(R"({"alg":"HS256"/**/})"); }},
    {"HeaderWithTrailingComma", Verdict::Malformed, [] { return app(R"({"alg":"HS256",})"); }},
    {"HeaderWithNulEscape", Verdict::Malformed, [] { return app(R"({"alg":"HS256\u0000"})"); }},
    {"HeaderInUtf16", Verdict::Malformed, [] { return app("{\0\"\0a\0l\0g\0\"\0:\0\"\0H\0S\0\"\0}\0"sv); }},
    {"Crit", Verdict::Malformed, [] { return app(R"({"alg":"HS256","crit":["exp"],"exp":2000000})"); }},
    {"CritEmpty", Verdict::Malformed, [] { return app(R"({"alg":"HS256","crit":[]})"); }},
    {"CritNull", Verdict::Malformed, [] { return app(R"({"alg":"HS256","crit":null})"); }},
    {"B64False", Verdict::Malformed, [] { return app(R"({"alg":"HS256","b64":false})"); }},
    {"B64True", Verdict::Malformed, [] { return app(R"({"alg":"HS256","b64":true})"); }},
    {"B64WithCrit", Verdict::Malformed, [] { return app(R"({"alg":"HS256","b64":false,"crit":["b64"]})"); }},
    {"TypOfAnotherThing", Verdict::Malformed, [] { return app(R"({"alg":"HS256","typ":"logout+jwt"})"); }},
    {"TypDpop", Verdict::Malformed, [] { return app(R"({"alg":"HS256","typ":"dpop+jwt"})"); }},
    {"TypNumber", Verdict::Malformed, [] { return app(R"({"alg":"HS256","typ":1})"); }},
    {"TypEmpty", Verdict::Malformed, [] { return app(R"({"alg":"HS256","typ":""})"); }},
    {"KidNumber", Verdict::Malformed, [] { return id(R"({"alg":"RS256","kid":1})"); }},
    {"KidNull", Verdict::Malformed, [] { return id(R"({"alg":"RS256","kid":null})"); }},
    {"KidArray", Verdict::Malformed, [] { return id(R"({"alg":"RS256","kid":["r1"]})"); }},
    {"KidUnknown", Verdict::UnknownKey, [] { return id(R"({"alg":"RS256","kid":"r2"})"); }},
    {"KidEmpty", Verdict::UnknownKey, [] { return id(R"({"alg":"RS256","kid":""})"); }},
    {"KidInAnotherCase", Verdict::UnknownKey, [] { return id(R"({"alg":"RS256","kid":"R1"})"); }},
    {"KidWithMoreBehind", Verdict::UnknownKey, [] { return id(R"({"alg":"RS256","kid":"r1 "})"); }},
    {"KidWithNul", Verdict::Malformed, [] { return id(R"({"alg":"RS256","kid":"r1\u0000x"})"); }},
    {"KidPath", Verdict::UnknownKey, [] { return id(R"({"alg":"RS256","kid":"../../../../dev/null"})"); }},
    {"KidSql", Verdict::UnknownKey, [] { return id(R"({"alg":"RS256","kid":"x' UNION SELECT 'k"})"); }},
    {"KidOfAnotherKind", Verdict::WrongAlgorithm, [] { return id(R"({"alg":"RS256","kid":"e1"})"); }},
    {"KidOfAnotherKeyOfTheKind", Verdict::WrongAlgorithm, [] { return token(Algorithm::ES256, R"({"alg":"ES256","kid":"e3"})", kId); }},
};

const Bad kConfusions[] = {
    {"HsWithThePublicPem", Verdict::WrongAlgorithm, [] { return confused(public_pem(rsa_key())); }},
    {"HsWithTheJwkSet", Verdict::WrongAlgorithm, [] { return confused(all_jwks()); }},
    {"HsWithTheJwk", Verdict::WrongAlgorithm, [] { return confused(rsa_jwk(rsa_key())); }},
    {"HsWithTheModulus", Verdict::WrongAlgorithm, [] { return confused(number(rsa_key(), OSSL_PKEY_PARAM_RSA_N)); }},
    {"HsWithAnEmptySecret", Verdict::WrongAlgorithm, [] { return confused(""); }},
    {"HsWithTheOtherIssuersSecret", Verdict::WrongAlgorithm, [] { return confused(kSecret); }},
    {"HsWithoutKid", Verdict::WrongAlgorithm, [] { return app(kHs, kId); }},
    {"HsWithAnEmptySecretAtTheSecretsIssuer", Verdict::BadSignature, [] {
        const std::string text = unsigned_token(kHs, kApp);
        return join(text, hmac("", text));
    }},
    {"Hs512AtAnIssuerOfHs256", Verdict::WrongAlgorithm, [] { return token(Algorithm::HS512, R"({"alg":"HS512"})", kApp); }},
    {"Hs256UnderTheNameHs384", Verdict::WrongAlgorithm, [] { return app(R"({"alg":"HS384"})"); }},
    {"RsAtTheSecretsIssuer", Verdict::WrongAlgorithm, [] { return id(R"({"alg":"RS256"})", kApp); }},
    {"RsUnderTheNamePs", Verdict::BadSignature, [] { return id(R"({"alg":"PS256","kid":"r1"})"); }},
    {"PsUnderTheNameRs", Verdict::BadSignature, [] { return token(Algorithm::PS256, kRs, kId); }},
    {"Rs384UnderTheNameRs256", Verdict::BadSignature, [] { return token(Algorithm::RS384, kRs, kId); }},
    {"EdUnderTheNameEs", Verdict::BadSignature, [] { return token(Algorithm::EdDSA, kEs, kId); }},
    {"EsWithTheKeyOfEd", Verdict::WrongAlgorithm, [] { return token(Algorithm::EdDSA, R"({"alg":"ES256","kid":"d1"})", kId); }},
    {"PsWithoutSalt", Verdict::BadSignature, [] {
        const std::string text = unsigned_token(R"({"alg":"PS256","kid":"r1"})", kId);
        return join(text, signature(rsa_key(), text, "SHA256", 0));
    }},
    {"PsWithTheLongestSalt", Verdict::BadSignature, [] {
        const std::string text = unsigned_token(R"({"alg":"PS256","kid":"r1"})", kId);
        return join(text, signature(rsa_key(), text, "SHA256", RSA_PSS_SALTLEN_MAX));
    }},
    {"OwnKeyInTheHeader", Verdict::BadSignature, [] {
        const PrivateKey own(EVP_EC_gen("P-256"));
        const std::string text = unsigned_token(
            R"({"alg":"ES256","kid":"e1","jwk":)" + ec_jwk(own.get(), "P-256", 32) + "}", kId);
        return join(text, raw(signature(own.get(), text, "SHA256"), 32));
    }},
    {"OwnKeyByUrl", Verdict::BadSignature, [] {
        const PrivateKey own(EVP_EC_gen("P-256"));
        const std::string text = unsigned_token(
            R"({"alg":"ES256","kid":"e1","jku":"https://evil.example/jwks","x5u":"https://evil.example"})", kId);
        return join(text, raw(signature(own.get(), text, "SHA256"), 32));
    }},
    {"OwnKeyWithoutKid", Verdict::BadSignature, [] {
        const PrivateKey own(EVP_EC_gen("P-256"));
        const std::string text = unsigned_token(R"({"alg":"ES256"})", kId);
        return join(text, raw(signature(own.get(), text, "SHA256"), 32));
    }},
};

const Bad kSignatures[] = {
    {"HsCut", Verdict::BadSignature, [] { return join(unsigned_token(kHs, kApp), sign(Algorithm::HS256, unsigned_token(kHs, kApp)).substr(0, 16)); }},
    {"HsByOneByteTooShort", Verdict::BadSignature, [] { return join(unsigned_token(kHs, kApp), sign(Algorithm::HS256, unsigned_token(kHs, kApp)).substr(0, 31)); }},
    {"HsExtended", Verdict::BadSignature, [] { return join(unsigned_token(kHs, kApp), sign(Algorithm::HS256, unsigned_token(kHs, kApp)) + '\0'); }},
    {"HsOfZeros", Verdict::BadSignature, [] { return join(unsigned_token(kHs, kApp), std::string(32, '\0')); }},
    {"HsOfOtherClaims", Verdict::BadSignature, [] { return join(unsigned_token(kHs, R"({"iss":"app","exp":2000001})"), sign(Algorithm::HS256, unsigned_token(kHs, kApp))); }},
    {"RsCut", Verdict::BadSignature, [] { return join(unsigned_token(kRs, kId), sign(Algorithm::RS256, unsigned_token(kRs, kId)).substr(0, 255)); }},
    {"RsExtended", Verdict::BadSignature, [] { return join(unsigned_token(kRs, kId), sign(Algorithm::RS256, unsigned_token(kRs, kId)) + '\0'); }},
    {"RsWithAZeroInFront", Verdict::BadSignature, [] { return join(unsigned_token(kRs, kId), '\0' + sign(Algorithm::RS256, unsigned_token(kRs, kId))); }},
    {"RsOfZeros", Verdict::BadSignature, [] { return join(unsigned_token(kRs, kId), std::string(256, '\0')); }},
    {"RsOfOnes", Verdict::BadSignature, [] { return join(unsigned_token(kRs, kId), std::string(256, '\xff')); }},
    {"RsEmpty", Verdict::BadSignature, [] { return unsigned_token(kRs, kId) + "."; }},
    {"EsInDer", Verdict::BadSignature, [] { return es256(signature(p256_key(), unsigned_token(kEs, kId), "SHA256")); }},
    {"EsCut", Verdict::BadSignature, [] { return es256(sign(Algorithm::ES256, unsigned_token(kEs, kId)).substr(0, 63)); }},
    {"EsExtended", Verdict::BadSignature, [] { return es256(sign(Algorithm::ES256, unsigned_token(kEs, kId)) + '\0'); }},
    {"EsEmpty", Verdict::BadSignature, [] { return es256(""); }},
    {"EsOfZeros", Verdict::BadSignature, [] { return es256(std::string(64, '\0')); }},
    {"EsWithoutR", Verdict::BadSignature, [] { return es256_halves(std::string(32, '\0'), std::string(32, '\1')); }},
    {"EsWithoutS", Verdict::BadSignature, [] { return es256_halves(std::string(32, '\1'), std::string(32, '\0')); }},
    {"EsOfOnes", Verdict::BadSignature, [] { return es256(std::string(64, '\xff')); }},
    {"EsSwapped", Verdict::BadSignature, [] {
        const std::string good = sign(Algorithm::ES256, unsigned_token(kEs, kId));
        return es256_halves(good.substr(32), good.substr(0, 32));
    }},
    {"EsAsLongAsOfP384", Verdict::BadSignature, [] {
        const std::string good = sign(Algorithm::ES256, unsigned_token(kEs, kId));
        return es256(std::string(16, '\0') + good.substr(0, 32) + std::string(16, '\0') + good.substr(32));
    }},
    {"EdCut", Verdict::BadSignature, [] {
        const std::string text = unsigned_token(R"({"alg":"EdDSA","kid":"d1"})", kId);
        return join(text, sign(Algorithm::EdDSA, text).substr(0, 63));
    }},
    {"EdOfZeros", Verdict::BadSignature, [] { return join(unsigned_token(R"({"alg":"EdDSA","kid":"d1"})", kId), std::string(64, '\0')); }},
};

const Bad kClaims[] = {
    {"ClaimsArray", Verdict::Malformed, [] { return app(kHs, R"([{"iss":"app"}])"); }},
    {"ClaimsString", Verdict::Malformed, [] { return app(kHs, R"("app")"); }},
    {"ClaimsNoJson", Verdict::Malformed, [] { return app(kHs, "iss=app"); }},
    {"ClaimsWithGarbageBehind", Verdict::Malformed, [] { return app(kHs, std::string(kApp) + "]"); }},
    {"ClaimsWithANulBehind", Verdict::Malformed, [] { return app(kHs, std::string(kApp) + '\0'); }},
    {"ClaimsWithByteOrderMark", Verdict::Malformed, [] { return app(kHs, "\xef\xbb\xbf" + std::string(kApp)); }},
    {"InvalidUtf8", Verdict::Malformed, [] { return app_claims("\"sub\":\"\xff\""); }},
    {"OverlongUtf8", Verdict::Malformed, [] { return app_claims("\"sub\":\"\xc0\xaf\""); }},
    {"SurrogateInUtf8", Verdict::Malformed, [] { return app_claims("\"sub\":\"\xed\xa0\x80\""); }},
    {"LoneSurrogateEscape", Verdict::Malformed, [] { return app_claims(R"("sub":"\ud800")"); }},
    {"NulEscape", Verdict::Malformed, [] { return app_claims(R"("sub":"admin\u0000x")"); }},
    {"NulByte", Verdict::Malformed, [] { return app_claims("\"sub\":\"admin\0x\""sv); }},
    {"NulInAName", Verdict::Malformed, [] { return app_claims(R"("exp\u0000":1)"); }},
    {"RawNewlineInAString", Verdict::Malformed, [] { return app_claims("\"sub\":\"a\nb\""); }},
    {"ExpTwice", Verdict::Malformed, [] { return app_claims(R"("exp":1,"exp":2000000)"); }},
    {"ExpTwiceByEscape", Verdict::Malformed, [] { return app_claims(R"("exp":1,"\u0065xp":2000000)"); }},
    {"SubTwice", Verdict::Malformed, [] { return app_claims(R"("sub":"a","sub":"b")"); }},
    {"NestedMemberTwice", Verdict::Malformed, [] { return app_claims(R"("realm":{"roles":[],"roles":["admin"]})"); }},
    {"ExpString", Verdict::Malformed, [] { return app_claims(R"("exp":"2000000")"); }},
    {"ExpNull", Verdict::Malformed, [] { return app_claims(R"("exp":null)"); }},
    {"ExpTrue", Verdict::Malformed, [] { return app_claims(R"("exp":true)"); }},
    {"ExpArray", Verdict::Malformed, [] { return app_claims(R"("exp":[2000000])"); }},
    {"ExpObject", Verdict::Malformed, [] { return app_claims(R"("exp":{"exp":2000000})"); }},
    {"ExpInfinite", Verdict::Malformed, [] { return app_claims(R"("exp":1e999)"); }},
    {"ExpNaN", Verdict::Malformed, [] { return app_claims(R"("exp":NaN)"); }},
    {"ExpHexadecimal", Verdict::Malformed, [] { return app_claims(R"("exp":0x1fffff)"); }},
    {"ExpWithALeadingZero", Verdict::Malformed, [] { return app_claims(R"("exp":02000000)"); }},
    {"ExpBeyond64Bits", Verdict::Malformed, [] { return app_claims(R"("exp":99999999999999999999)"); }},
    {"ExpPast", Verdict::Expired, [] { return app_claims(R"("exp":999970)"); }},
    {"ExpPastByAFraction", Verdict::Expired, [] { return app_claims(R"("exp":999970.9)"); }},
    {"ExpZero", Verdict::Expired, [] { return app_claims(R"("exp":0)"); }},
    {"ExpNegative", Verdict::Expired, [] { return app_claims(R"("exp":-1)"); }},
    {"ExpLowest", Verdict::Expired, [] { return app_claims(R"("exp":-9223372036854775808)"); }},
    {"ExpHugeAndNegative", Verdict::Expired, [] { return app_claims(R"("exp":-1e300)"); }},
    {"ExpTiny", Verdict::Expired, [] { return app_claims(R"("exp":1e-300)"); }},
    {"NbfAhead", Verdict::NotYetValid, [] { return app_claims(R"("nbf":1000031)"); }},
    {"NbfHighest", Verdict::NotYetValid, [] { return app_claims(R"("nbf":9223372036854775807)"); }},
    {"NbfHuge", Verdict::NotYetValid, [] { return app_claims(R"("nbf":1e300)"); }},
    {"NbfString", Verdict::Malformed, [] { return app_claims(R"("nbf":"0")"); }},
    {"IatAhead", Verdict::NotYetValid, [] { return app_claims(R"("iat":1000031)"); }},
    {"IatHuge", Verdict::NotYetValid, [] { return app_claims(R"("iat":1e300)"); }},
    {"IatString", Verdict::Malformed, [] { return app_claims(R"("iat":"today")"); }},
    {"IssMissing", Verdict::WrongIssuer, [] { return app(kHs, R"({"exp":2000000})"); }},
    {"IssEmpty", Verdict::WrongIssuer, [] { return app(kHs, R"({"iss":""})"); }},
    {"IssPrefix", Verdict::WrongIssuer, [] { return app(kHs, R"({"iss":"ap"})"); }},
    {"IssWithMoreBehind", Verdict::WrongIssuer, [] { return app(kHs, R"({"iss":"app.evil.example"})"); }},
    {"IssWithMoreInFront", Verdict::WrongIssuer, [] { return app(kHs, R"({"iss":"myapp"})"); }},
    {"IssWithASlash", Verdict::WrongIssuer, [] { return app(kHs, R"({"iss":"app/"})"); }},
    {"IssInCapitals", Verdict::WrongIssuer, [] { return app(kHs, R"({"iss":"APP"})"); }},
    {"IssNumber", Verdict::Malformed, [] { return app(kHs, R"({"iss":1})"); }},
    {"IssArray", Verdict::Malformed, [] { return app(kHs, R"({"iss":["app"]})"); }},
    {"IssNull", Verdict::Malformed, [] { return app(kHs, R"({"iss":null})"); }},
    {"SubNumber", Verdict::Malformed, [] { return app_claims(R"("sub":7)"); }},
    {"SubObject", Verdict::Malformed, [] { return app_claims(R"("sub":{"id":7})"); }},
    {"JtiNumber", Verdict::Malformed, [] { return app_claims(R"("jti":7)"); }},
    {"AudMissing", Verdict::WrongAudience, [] { return id_claims(R"({"iss":"id"})"); }},
    {"AudOfAnother", Verdict::WrongAudience, [] { return id_claims(R"({"iss":"id","aud":"hera"})"); }},
    {"AudWithMoreBehind", Verdict::WrongAudience, [] { return id_claims(R"({"iss":"id","aud":"herald.evil"})"); }},
    {"AudOfOthers", Verdict::WrongAudience, [] { return id_claims(R"({"iss":"id","aud":["a","b"]})"); }},
    {"AudOfNobody", Verdict::WrongAudience, [] { return id_claims(R"({"iss":"id","aud":[]})"); }},
    {"AudInOneString", Verdict::WrongAudience, [] { return id_claims(R"({"iss":"id","aud":"a herald"})"); }},
    {"AudNumber", Verdict::Malformed, [] { return id_claims(R"({"iss":"id","aud":1})"); }},
    {"AudNull", Verdict::Malformed, [] { return id_claims(R"({"iss":"id","aud":null})"); }},
    {"AudObject", Verdict::Malformed, [] { return id_claims(R"({"iss":"id","aud":{"herald":true}})"); }},
    {"AudOfMixedTypes", Verdict::Malformed, [] { return id_claims(R"({"iss":"id","aud":["herald",1]})"); }},
    {"AudNested", Verdict::Malformed, [] { return id_claims(R"({"iss":"id","aud":[["herald"]]})"); }},
    {"NestedTooDeep", Verdict::Malformed, [] { return nested(kMaxDepth); }},
    {"NestedForThousands", Verdict::Malformed, [] { return nested(2900); }},
    {"NeverClosed", Verdict::Malformed, [] { return app(kHs, std::string(5000, '[')); }},
};
// clang-format on

class BadTokens : public ::testing::TestWithParam<Bad> {};

TEST_P(BadTokens, AreRefused) {
    Issuer id_issuer, app_issuer;
    id_issuer.iss = "id";
    id_issuer.audiences = {"herald"};
    id_issuer.keys = {imported_jwks(all_jwks())};
    app_issuer.iss = "app";
    app_issuer.keys = {imported_secret()};
    const Issuer* issuers[] = {&id_issuer, &app_issuer};

    ERR_clear_error();
    const std::string bad = GetParam().make();
    Claims claims;
    const Verdict verdict = verify(bad, issuers, kNow, claims);
    EXPECT_EQ(describe(verdict), describe(GetParam().expected));
    EXPECT_EQ(claims.all, nullptr);
    EXPECT_EQ(ERR_peek_error(), 0u);
}

auto name_of_case = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Forms, BadTokens, ::testing::ValuesIn(kForms), name_of_case);
INSTANTIATE_TEST_SUITE_P(Headers, BadTokens, ::testing::ValuesIn(kHeaders), name_of_case);
INSTANTIATE_TEST_SUITE_P(Confusions, BadTokens, ::testing::ValuesIn(kConfusions), name_of_case);
INSTANTIATE_TEST_SUITE_P(Signatures, BadTokens, ::testing::ValuesIn(kSignatures), name_of_case);
INSTANTIATE_TEST_SUITE_P(Claims, BadTokens, ::testing::ValuesIn(kClaims), name_of_case);

}  // namespace
}  // namespace herald::jwt
