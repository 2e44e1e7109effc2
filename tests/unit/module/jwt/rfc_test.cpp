// The examples of the RFCs: 7515 (appendix A), 7520 (section 4) and 8037 (appendix A). Where their
// payload is no claims set, the signature alone is checked.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "jwt/base64url.hpp"
#include "jwt/signature.hpp"
#include "jwt/verify.hpp"

namespace herald::jwt {
namespace {

// RFC 7515, appendix A.1: {"iss":"joe","exp":1300819380,"http://example.com/is_root":true}, with
// CR and LF between the members.
const std::string kJoe =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
constexpr int64_t kBeforeJoeExpires = 1300819379;

// RFC 7520, section 4: "It's a dangerous business, Frodo, going out your door..."
const std::string kFrodo =
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250"
    "byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hl"
    "cmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

// RFC 7520, section 3.4.
const std::string kBilbo =
    R"({"keys":[{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":")"
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmS"
    "CpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-Of"
    "VfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKw"
    R"(uCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"}]})";

std::string bytes_of(std::string_view text) {
    std::string bytes;
    EXPECT_TRUE(decode_base64url(text, bytes)) << text;
    return bytes;
}

std::shared_ptr<const KeySet> keys_of(std::string_view jwks) {
    std::vector<std::string> skipped;
    std::string why;
    auto keys = import_jwks(jwks, {}, skipped, why);
    EXPECT_NE(keys, nullptr) << why;
    EXPECT_TRUE(skipped.empty()) << skipped.front();
    return keys;
}

std::shared_ptr<const KeySet> secret_of(std::string_view text) {
    std::string why;
    auto keys = import_secret(bytes_of(text), {}, why);
    EXPECT_NE(keys, nullptr) << why;
    return keys;
}

Verdict judge(const std::string& token, std::shared_ptr<const KeySet> keys, Claims& claims) {
    Issuer joe;
    joe.iss = "joe";
    joe.keys = {std::move(keys)};
    const Issuer* issuers[] = {&joe};
    return verify(token, issuers, kBeforeJoeExpires, claims);
}

// The signature alone, and that it is not good for one byte more.
bool is_signed(const KeySet& keys, Algorithm algorithm, const std::string& text,
               std::string_view signature) {
    EXPECT_FALSE(verify_signature(keys.keys.at(0), algorithm, text + "A", bytes_of(signature)));
    return verify_signature(keys.keys.at(0), algorithm, text, bytes_of(signature));
}

TEST(Rfc7515, A1IsValid) {
    Claims claims;
    const auto keys = secret_of(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    const std::string token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + kJoe +
                              ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    EXPECT_EQ(judge(token, keys, claims), Verdict::Valid);
    EXPECT_EQ(claims.iss, "joe");
    EXPECT_EQ(claims.expires, 1300819380);
    EXPECT_TRUE(json_is_true(find_claim(claims.all.get(), "http://example.com/is_root")));
}

TEST(Rfc7515, A2IsValid) {
    Claims claims;
    const auto keys = keys_of(
        R"({"keys":[{"kty":"RSA","n":")"
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
        "0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
        "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
        "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
        R"(","e":"AQAB"}]})");
    const std::string token =
        "eyJhbGciOiJSUzI1NiJ9." + kJoe +
        ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O"
        "8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPv"
        "kSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phC"
        "nvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    EXPECT_EQ(judge(token, keys, claims), Verdict::Valid);
}

TEST(Rfc7515, A3IsValid) {
    Claims claims;
    const auto keys = keys_of(
        R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
        R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
    const std::string token = "eyJhbGciOiJFUzI1NiJ9." + kJoe +
                              ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlS"
                              "ApmWQxfKTUJqPP3-Kg6NU1Q";
    EXPECT_EQ(judge(token, keys, claims), Verdict::Valid);
}

TEST(Rfc7515, A4IsRefusedForItsPayloadAndWouldBeForItsAlgorithm) {
    Claims claims;
    const std::string signature =
        ".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xd"
        "tAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_J"
        "n";
    EXPECT_EQ(judge("eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA" + signature, keys_of(kBilbo), claims),
              Verdict::Malformed);
    EXPECT_EQ(judge("eyJhbGciOiJFUzUxMiJ9." + kJoe + signature, keys_of(kBilbo), claims),
              Verdict::UnknownAlgorithm);
}

TEST(Rfc7515, A5IsUnsigned) {
    Claims claims;
    EXPECT_EQ(judge("eyJhbGciOiJub25lIn0." + kJoe + ".", keys_of(kBilbo), claims),
              Verdict::UnknownAlgorithm);
}

TEST(Rfc7520, Section41IsSigned) {
    EXPECT_TRUE(is_signed(
        *keys_of(kBilbo), Algorithm::RS256,
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." + kFrodo,
        "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83"
        "xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJ"
        "Dt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12"
        "podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"));
}

TEST(Rfc7520, Section42IsSigned) {
    const auto keys = keys_of(kBilbo);
    const std::string text =
        "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." + kFrodo;
    const std::string_view signature =
        "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6"
        "O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqi"
        "VJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_"
        "jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw";
    EXPECT_TRUE(is_signed(*keys, Algorithm::PS384, text, signature));
    EXPECT_FALSE(is_signed(*keys, Algorithm::PS256, text, signature));
    EXPECT_FALSE(is_signed(*keys, Algorithm::RS384, text, signature));
}

TEST(Rfc7520, Section43HasAnAlgorithmThatIsNotAccepted) {
    Claims claims;
    EXPECT_EQ(
        judge("eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." + kJoe +
                  ".AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEu"
                  "T4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX"
                  "6sFY8OcGDqoRuBomu9xQ2",
              keys_of(kBilbo), claims),
        Verdict::UnknownAlgorithm);
}

TEST(Rfc7520, Section44IsSigned) {
    EXPECT_TRUE(is_signed(*secret_of("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"),
                          Algorithm::HS256,
                          "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNG"
                          "JjNzAzNyJ9." +
                              kFrodo,
                          "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"));
}

// Section 4.5: the payload is not in the token. Sections 4.6 to 4.8: JSON serialisations.
TEST(Rfc7520, TheOtherFormsOfSection4AreRefused) {
    Claims claims;
    const std::string header = "eyJhbGciOiJIUzI1NiJ9";
    const std::string signature = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    const std::string general = R"({"payload":")" + kFrodo + R"(","signatures":[{"protected":")" +
                                header + R"(","signature":")" + signature + R"("}]})";
    const std::string flattened = R"({"payload":")" + kFrodo + R"(","protected":")" + header +
                                  R"(","signature":")" + signature + R"("})";
    for (const std::string& token : {header + ".." + signature, general, flattened})
        EXPECT_EQ(judge(token, keys_of(kBilbo), claims), Verdict::Malformed) << token;
}

TEST(Rfc8037, A4IsSigned) {
    const auto keys = keys_of(R"({"keys":[{"kty":"OKP","crv":"Ed25519",)"
                              R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
    EXPECT_TRUE(is_signed(
        *keys, Algorithm::EdDSA, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"));
}

}  // namespace
}  // namespace herald::jwt
