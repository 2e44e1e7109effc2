#include "sidecar/cli/token_check.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "sidecar/cli/token_words.hpp"
#include "sidecar/log.hpp"

namespace herald::cli {

namespace {

using jwt::Verdict;
using sidecar::log::quote;

struct FreeText {
    void operator()(char* text) const { std::free(text); }
};

// What a token says goes to the terminal quoted: it may be anybody's.
void print(const char* name, const std::string& text) {
    std::printf("%-9s%s\n", name, text.c_str());
}

std::string list(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts)
        all += (all.empty() ? "" : ", ") + quote(text);
    return all.empty() ? "none" : all;
}

std::vector<std::string> audiences_of(const json_t* claims) {
    const json_t* aud = json_object_get(claims, "aud");
    if (json_is_string(aud))
        return {std::string(jwt::string_member(claims, "aud"))};
    return jwt::words_of(aud);
}

std::string names_of(const jwt::Issuer& issuer, std::string_view kid) {
    std::string names;
    for (size_t i = 0; i < jwt::kAlgorithms; ++i) {
        const auto algorithm = static_cast<jwt::Algorithm>(i);
        const bool possible =
            std::any_of(issuer.keys.begin(), issuer.keys.end(), [algorithm, kid](const auto& set) {
                return std::any_of(set->keys.begin(), set->keys.end(), [&](const jwt::Key& key) {
                    return key.algorithms.has(algorithm) &&
                           (kid.empty() || set->any_kid || key.kid == kid);
                });
            });
        if (possible && (issuer.algorithms.empty() || issuer.algorithms.has(algorithm)))
            names += (names.empty() ? "" : ", ") + std::string(jwt::name_of(algorithm));
    }
    return names.empty() ? "no algorithm" : names;
}

std::string kids_of(const jwt::Issuer& issuer) {
    std::vector<std::string> kids;
    for (const auto& set : issuer.keys) {
        for (const jwt::Key& key : set->keys)
            kids.push_back(key.kid.empty() ? "(no kid)" : key.kid);
    }
    return list(kids);
}

// What to look at next. Empty: the verdict says it all, or the expiry does.
std::string reason(Verdict verdict, const jwt::Compact& token, const jwt::Issuer& issuer,
                   int64_t now) {
    const std::string kid(token.kid.value_or(""));
    switch (verdict) {
        case Verdict::UnknownAlgorithm:
            return "its alg is " + quote(token.alg);
        case Verdict::WrongIssuer:
            return "its iss is " + quote(jwt::string_member(token.claims.get(), "iss")) +
                   ", expected is " + quote(issuer.iss);
        case Verdict::WrongAudience:
            return "its aud is " + list(audiences_of(token.claims.get())) +
                   ", expected is one of " + list(issuer.audiences);
        case Verdict::NotYetValid: {
            const int64_t start = std::max(token.nbf.value_or(0), token.iat.value_or(0));
            return "it starts in " + duration_words(static_cast<uint64_t>(start - now)) +
                   " (nbf or iat); is the clock right that it was made by?";
        }
        case Verdict::UnknownKey:
            return "its kid is " + quote(kid) + ", there are " + kids_of(issuer);
        case Verdict::WrongAlgorithm:
            return "its alg is " + quote(token.alg) + ", the key is for " + names_of(issuer, kid);
        case Verdict::BadSignature:
            return "it was changed, or signed with another key";
        default:
            return {};
    }
}

bool holds(const Grant& grant, const jwt::Claims& claims) {
    switch (grant.kind) {
        case Grant::Kind::Role:
            return std::find(claims.roles.begin(), claims.roles.end(), grant.value) !=
                   claims.roles.end();
        case Grant::Kind::Claim:
            return jwt::has_claim(claims.all.get(), grant.path, grant.value);
        case Grant::Kind::User:
            break;
    }
    return !grant.value.empty() && claims.user == grant.value;
}

// True where each of them holds.
bool judge_requirements(const Examination& examination, const jwt::Claims& claims) {
    const Grant admin{Grant::Kind::Role, {}, examination.admin_role};
    const bool is_admin = !admin.value.empty() && holds(admin, claims);
    bool all = true;
    for (const Requirement& requirement : examination.requirements) {
        const bool one = std::any_of(requirement.grants.begin(), requirement.grants.end(),
                                     [&claims](const Grant& g) { return holds(g, claims); });
        print("require", quote(requirement.text) + (one        ? ": yes"
                                                    : is_admin ? ": no, but has the admin role"
                                                               : ": no"));
        all = all && (one || is_admin);
    }
    return all;
}

void print_object(const char* name, const json_t* object) {
    const std::unique_ptr<char, FreeText> text(
        json_dumps(object, JSON_INDENT(2) | JSON_ENSURE_ASCII));
    std::printf("%s %s\n", name, text == nullptr ? "?" : text.get());
}

}  // namespace

Requirement parse_requirement(const std::string& text) {
    Requirement requirement{text, {}};
    for (size_t at = 0; (at = text.find_first_not_of(' ', at)) != text.npos;) {
        const size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        at = end;

        const size_t equals = word.find('=');
        const std::string kind = word.substr(0, equals);
        std::string value = equals == word.npos ? "" : word.substr(equals + 1);
        if (kind == "role" && !value.empty()) {
            requirement.grants.push_back({Grant::Kind::Role, {}, value});
            continue;
        }
        if (kind == "user" && !value.empty()) {
            requirement.grants.push_back({Grant::Kind::User, {}, value});
            continue;
        }
        const size_t split = value.find('=');
        if (kind != "claim" || split == value.npos || split == 0)
            throw std::invalid_argument("--require " + word +
                                        ": expected role=ROLE, claim=PATH=VALUE or user=USER");
        requirement.grants.push_back(
            {Grant::Kind::Claim, value.substr(0, split), value.substr(split + 1)});
    }
    if (requirement.grants.empty())
        throw std::invalid_argument(
            "--require is empty: expected role=ROLE, claim=PATH=VALUE or user=USER");
    return requirement;
}

bool examine(std::string_view token, const Examination& examination, int64_t now) {
    const jwt::Issuer& issuer = examination.issuer;
    const jwt::Issuer* issuers[] = {&issuer};
    jwt::Claims claims;
    const Verdict verdict = jwt::verify(token, issuers, now, claims);
    std::printf("%s\n", std::string(jwt::describe(verdict)).c_str());

    jwt::Compact parts;
    if (const char* problem = jwt::parse_compact(token, parts)) {
        print("because", std::string("it ") + problem);
        return false;
    }
    if (verdict != Verdict::Valid) {
        if (const std::string why = reason(verdict, parts, issuer, now); !why.empty())
            print("because", why);
        print("", expiry_words(parts.exp, now, issuer.leeway));
        return false;
    }
    print("user", claims.user.empty() ? "none (no claim " + quote(issuer.user_claim) + ")"
                                      : quote(claims.user));
    print("roles", list(claims.roles));
    print("", expiry_words(claims.expires, now, issuer.leeway));
    const bool allowed = judge_requirements(examination, claims);
    std::printf("%s\n", allowed ? "allowed" : "not allowed");
    return allowed;
}

bool print_unverified(std::string_view token, int64_t now) {
    jwt::Compact parts;
    const char* problem = jwt::parse_compact(token, parts);
    std::printf("UNVERIFIED: without --key or --jwks anybody may have written this\n");
    if (parts.header != nullptr)
        print_object("header", parts.header.get());
    if (parts.claims != nullptr)
        print_object("claims", parts.claims.get());
    if (problem != nullptr)
        std::printf("%s: it %s\n", std::string(jwt::describe(Verdict::Malformed)).c_str(), problem);
    else
        std::printf("%s\n", expiry_words(parts.exp, now, 0).c_str());
    return problem == nullptr;
}

}  // namespace herald::cli
