#include "verify.hpp"

#include <algorithm>
#include <array>

#include "signature.hpp"

namespace herald::jwt {

namespace {

bool is_for(const json_t* aud, const std::vector<std::string>& audiences) {
    auto listed = [&audiences](const json_t* name) {
        return json_is_string(name) &&
               std::find(audiences.begin(), audiences.end(),
                         std::string_view(json_string_value(name), json_string_length(name))) !=
                   audiences.end();
    };
    for (size_t i = 0; i < json_array_size(aud); ++i) {
        if (listed(json_array_get(aud, i)))
            return true;
    }
    return listed(aud);
}

// All but the signature. Valid: nothing was wrong so far.
Verdict judge_claims(const Compact& token, const Issuer& issuer, int64_t now) {
    const json_t* claims = token.claims.get();
    if (!issuer.iss.empty() && string_member(claims, "iss") != issuer.iss)
        return Verdict::WrongIssuer;
    if (!issuer.audiences.empty() && !is_for(json_object_get(claims, "aud"), issuer.audiences))
        return Verdict::WrongAudience;
    if (token.exp && now >= *token.exp + issuer.leeway)
        return Verdict::Expired;
    const int64_t latest = now + issuer.leeway;
    if ((token.nbf && *token.nbf > latest) || (token.iat && *token.iat > latest))
        return Verdict::NotYetValid;
    return Verdict::Valid;
}

bool allows(const Issuer& issuer, const Key& key, Algorithm algorithm) {
    return key.algorithms.has(algorithm) &&
           (issuer.algorithms.empty() || issuer.algorithms.has(algorithm));
}

// The keys that a token may have been signed with.
struct Candidates {
    std::array<const Key*, kMaxAttempts> keys{};
    size_t count = 0;
    bool any = false;        // the issuer has keys
    bool has_kid = false;    // one of them has the token's kid
    bool lacks_kid = false;  // a set of keys with names lacks the token's kid

    void add(const Key& key) {
        if (count < keys.size())
            keys[count++] = &key;
    }
};

Candidates find_candidates(const Compact& token, const Issuer& issuer, Algorithm algorithm) {
    Candidates found;
    for (const auto& set : issuer.keys) {
        if (set == nullptr || set->keys.empty())
            continue;
        found.any = true;
        bool here = false;
        for (const Key& key : set->keys) {
            const bool named = token.kid && !token.kid->empty() && key.kid == *token.kid;
            here = here || named;
            if ((named || !token.kid || set->any_kid) && allows(issuer, key, algorithm))
                found.add(key);
        }
        found.has_kid = found.has_kid || here;
        found.lacks_kid = found.lacks_kid || (token.kid && !here && !set->any_kid);
    }
    return found;
}

Verdict judge_signature(const Compact& token, const Issuer& issuer, Algorithm algorithm) {
    const Candidates candidates = find_candidates(token, issuer, algorithm);
    if (!candidates.any)
        return Verdict::NoKeys;
    if (candidates.count == 0)
        return candidates.lacks_kid && !candidates.has_kid ? Verdict::UnknownKey
                                                           : Verdict::WrongAlgorithm;
    for (size_t i = 0; i < candidates.count; ++i) {
        if (verify_signature(*candidates.keys[i], algorithm, token.signed_text, token.signature))
            return Verdict::Valid;
    }
    return Verdict::BadSignature;
}

// A name is a string; some issuers number their users.
std::string text_of(const json_t* value) {
    if (json_is_string(value))
        return {json_string_value(value), json_string_length(value)};
    if (json_is_integer(value))
        return std::to_string(json_integer_value(value));
    return {};
}

void fill(Claims& claims, Compact& token, const Issuer& issuer) {
    const json_t* all = token.claims.get();
    claims.issuer = issuer.name;
    claims.iss = string_member(all, "iss");
    claims.sub = string_member(all, "sub");
    claims.jti = string_member(all, "jti");
    claims.user = text_of(find_claim(all, issuer.user_claim));
    claims.roles = words_of(find_claim(all, issuer.roles_claim));
    claims.expires = token.exp;
    claims.issued = token.iat;
    claims.leeway = issuer.leeway;
    claims.all = std::move(token.claims);
}

}  // namespace

std::string_view describe(Verdict verdict) {
    switch (verdict) {
        case Verdict::Malformed:
            return "this is no token";
        case Verdict::UnknownAlgorithm:
            return "the token's algorithm is not one that Herald accepts";
        case Verdict::WrongIssuer:
            return "the token is of another issuer";
        case Verdict::WrongAudience:
            return "the token is for another audience";
        case Verdict::Expired:
            return "the token has expired";
        case Verdict::NotYetValid:
            return "the token is not valid yet";
        case Verdict::NoKeys:
            return "the token's issuer has no keys at present";
        case Verdict::UnknownKey:
            return "the token names a key that its issuer does not have";
        case Verdict::WrongAlgorithm:
            return "the token's algorithm is not one of its issuer's keys";
        case Verdict::BadSignature:
            return "the token's signature is wrong";
        case Verdict::Valid:
            break;
    }
    return "the token is valid";
}

Verdict verify(std::string_view token, std::span<const Issuer* const> issuers, int64_t now,
               Claims& claims, std::vector<const Issuer*>* unknown) {
    Compact compact;
    if (parse_compact(token, compact) != nullptr)
        return Verdict::Malformed;
    const std::optional<Algorithm> algorithm = algorithm_of(compact.alg);
    if (!algorithm)
        return Verdict::UnknownAlgorithm;

    Verdict furthest = Verdict::WrongIssuer;
    for (const Issuer* issuer : issuers) {
        Verdict verdict = judge_claims(compact, *issuer, now);
        if (verdict == Verdict::Valid)
            verdict = judge_signature(compact, *issuer, *algorithm);
        if (verdict == Verdict::Valid) {
            fill(claims, compact, *issuer);
            return verdict;
        }
        if (verdict == Verdict::UnknownKey && unknown != nullptr)
            unknown->push_back(issuer);
        furthest = std::max(furthest, verdict);
    }
    return furthest;
}

}  // namespace herald::jwt
