// Whatever is sent as a token: verify() ends, says Valid to nothing that was not signed here, and
// leaves no error behind.
//
// The first byte chooses how the rest is read: as a token as it is; as a header and claims, parted
// by a NUL, that are signed with the secret; or with a signature of the input's own for one of the
// public keys. So the fuzzer gets past base64url and the signature to what lies behind them.
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "jwt/base64url.hpp"
#include "jwt/plain_json.hpp"
#include "jwt/verify.hpp"

namespace {

using namespace herald::jwt;

constexpr int64_t kNow = 1'000'000;
constexpr std::string_view kSecret = "a secret of exactly 32 bytes ...";

// RFC 7517, appendix A.1; RFC 8037, appendix A.2. Nobody here can sign for them.
constexpr std::string_view kKeys =
    R"({"keys":[{"kty":"EC","crv":"P-256","kid":"e","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
    R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},{"kty":"RSA","kid":"r","e":"AQAB","n":")"
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWK"
    "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
    "FDW2QvzqY368QQMic"
    "AtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
    "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3"
    R"(XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"},{"kty":"OKP","kid":"d",)"
    R"("crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

void require(bool holds) {
    if (!holds)
        std::abort();
}

Algorithms every_hash() {
    Algorithms all;
    all.add(Algorithm::HS256);
    all.add(Algorithm::HS384);
    all.add(Algorithm::HS512);
    return all;
}

struct Issuers {
    Issuers() {
        std::string why;
        std::vector<std::string> skipped;
        app.iss = "app";
        app.keys = {import_secret(kSecret, every_hash(), why)};
        id.iss = "id";
        id.audiences = {"herald"};
        id.user_claim = "account.id";
        id.roles_claim = "realm_access.roles";
        id.keys = {import_jwks(kKeys, {}, skipped, why)};
        any.keys = id.keys;
        require(app.keys[0] != nullptr && id.keys[0] != nullptr && skipped.empty());
        require(id.keys[0]->keys.size() == 3);
    }
    Issuer app{}, id{}, any{};
    const Issuer* all[3] = {&id, &app, &any};
};

std::string hmac(std::string_view text) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t length = 0;
    require(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, kSecret.data(), kSecret.size(),
                      reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
                      sizeof mac, &length) != nullptr);
    return {reinterpret_cast<const char*>(mac), length};
}

std::string_view take(std::string_view& input) {
    const std::string_view part = input.substr(0, input.find('\0'));
    input.remove_prefix(std::min(part.size() + 1, input.size()));
    return part;
}

void check_claims(const Claims& claims) {
    require(claims.issuer.empty() && claims.iss == "app");
    require(json_is_object(claims.all.get()));
    require(!claims.expires || *claims.expires + claims.leeway > kNow);
    require(!claims.issued || *claims.issued <= kNow + claims.leeway);
    // Read as they would be: no path leads out of the claims.
    for (std::string_view path : {"a.b.c", "roles", "..", "a."})
        words_of(find_claim(claims.all.get(), path));
}

// What the quick reader reads is what jansson reads.
void compare_readers(std::string_view text) {
    const Json plain = read_plain_object(text);
    if (plain == nullptr)
        return;
    const Json whole(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, nullptr));
    require(whole != nullptr && json_equal(plain.get(), whole.get()));
}

void judge(const Issuers& issuers, const std::string& token, bool is_signed) {
    Claims claims;
    std::vector<const Issuer*> unknown;
    const Verdict verdict = verify(token, issuers.all, kNow, claims, &unknown);
    require(ERR_peek_error() == 0);
    require(!describe(verdict).empty());
    require(verdict != Verdict::UnknownKey || !unknown.empty());
    require((verdict == Verdict::Valid) == (claims.all != nullptr));
    // Nobody finds the secret's signature by chance; the public keys' owners are elsewhere.
    require(verdict != Verdict::Valid || is_signed);
    if (verdict == Verdict::Valid)
        check_claims(claims);

    Compact compact;
    const bool whole = parse_compact(token, compact) == nullptr;
    require(whole == (verdict != Verdict::Malformed));
    if (!whole)
        return;
    require(token.size() <= kMaxToken);
    // Strict: what was read can be written in one way alone.
    require(token.ends_with("." + encode_base64url(compact.signature)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    static const Issuers issuers;
    if (size == 0)
        return 0;
    std::string_view input(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    switch (bytes[0] % 3) {
        case 0:
            judge(issuers, std::string(input), false);
            break;
        case 1: {
            const std::string header = encode_base64url(take(input));
            const std::string text = header + "." + encode_base64url(input);
            compare_readers(input);
            judge(issuers, text + "." + encode_base64url(hmac(text)), true);
            break;
        }
        default: {
            const std::string header = encode_base64url(take(input));
            const std::string text = header + "." + encode_base64url(take(input));
            judge(issuers, text + "." + encode_base64url(input), false);
        }
    }
    return 0;
}
