#include "keys.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>

#include "json.hpp"
#include "jwk.hpp"
#include "signature.hpp"

namespace herald::jwt {

namespace {

constexpr std::array<std::string_view, kAlgorithms> kNames{"HS256", "HS384", "HS512", "RS256",
                                                           "RS384", "RS512", "PS256", "PS384",
                                                           "PS512", "ES256", "ES384", "EdDSA"};

Algorithms secret_algorithms() {
    Algorithms all;
    all.add(Algorithm::HS256);
    all.add(Algorithm::HS384);
    all.add(Algorithm::HS512);
    return all;
}

std::string names_of(Algorithms algorithms) {
    std::string names;
    for (size_t i = 0; i < kNames.size(); ++i) {
        if (algorithms.has(static_cast<Algorithm>(i)))
            names.append(names.empty() ? "" : ", ").append(kNames[i]);
    }
    return names;
}

// What everybody may know is no secret: a key that was put in the wrong place would let everybody
// sign.
bool looks_public(std::string_view secret) {
    if (secret.find("-----BEGIN ") != secret.npos)
        return true;
    const Json object = parse_object(secret);
    return object != nullptr && (json_object_get(object.get(), "kty") != nullptr ||
                                 json_object_get(object.get(), "keys") != nullptr);
}

// A key within a message: its place, and its kid where that can be shown.
std::string called(size_t index, const json_t* jwk) {
    std::string name = "key " + std::to_string(index + 1);
    const std::string_view kid = string_member(jwk, "kid");
    if (kid.empty())
        return name;
    name += " (kid \"";
    constexpr size_t kShown = 64;
    for (char c : kid.substr(0, kShown))
        name += c >= ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
    return name + (kid.size() > kShown ? "...\")" : "\")");
}

// RFC 7517, sections 4.2 and 4.3.
bool is_for_signatures(const json_t* jwk) {
    const json_t* use = json_object_get(jwk, "use");
    if (use != nullptr && string_member(jwk, "use") != "sig")
        return false;
    const json_t* operations = json_object_get(jwk, "key_ops");
    if (operations == nullptr)
        return true;
    for (size_t i = 0; i < json_array_size(operations); ++i) {
        const char* operation = json_string_value(json_array_get(operations, i));
        if (operation != nullptr && std::string_view(operation) == "verify")
            return true;
    }
    return false;
}

// What the key's own `alg` leaves; nothing, and `why`.
Algorithms narrow(Algorithms possible, const json_t* jwk, std::string& why) {
    if (json_object_get(jwk, "alg") == nullptr)
        return possible;
    Algorithms named;
    if (const auto algorithm = algorithm_of(string_member(jwk, "alg")))
        named.add(*algorithm);
    if ((possible & named).empty())
        why = "has an alg that does not go with it, or that Herald does not know";
    return possible & named;
}

// False: the key cannot be used, and `why`.
bool import_one(const json_t* jwk, Algorithms allowed, Key& key, std::string& why) {
    if (!json_is_object(jwk)) {
        why = "is no JSON object";
        return false;
    }
    if (json_object_get(jwk, "kid") != nullptr) {
        if (!json_is_string(json_object_get(jwk, "kid"))) {
            why = "has a kid that is no string";
            return false;
        }
        key.kid = string_member(jwk, "kid");
    }
    if (!is_for_signatures(jwk)) {
        why = "is not for checking signatures (use or key_ops)";
        return false;
    }
    key.public_key = import_jwk(jwk, why);
    if (key.public_key == nullptr)
        return false;
    key.algorithms = algorithms_of(key.public_key.get(), why);
    if (!key.algorithms.empty())
        key.algorithms = narrow(key.algorithms, jwk, why);
    if (key.algorithms.empty())
        return false;
    if (!allowed.empty())
        key.algorithms = key.algorithms & allowed;
    why = "is for algorithms that are not allowed here";
    prepare(key);
    return !key.algorithms.empty();
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
    return kNames.at(static_cast<size_t>(algorithm));
}

std::optional<Algorithm> algorithm_of(std::string_view name) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end())
        return std::nullopt;
    return static_cast<Algorithm>(found - kNames.begin());
}

std::shared_ptr<const KeySet> import_secret(std::string_view secret, Algorithms allowed,
                                            std::string& why) {
    if (allowed.empty())
        allowed.add(Algorithm::HS256);
    allowed = allowed & secret_algorithms();
    if (allowed.empty()) {
        why = "a secret is for HS256, HS384 or HS512, and none of them is allowed";
        return nullptr;
    }
    if (secret.size() < kMinSecret) {
        why = "the secret has " + std::to_string(secret.size()) + " bytes; it needs at least " +
              std::to_string(kMinSecret);
        return nullptr;
    }
    if (looks_public(secret)) {
        why = "the secret is a PEM file or a JWK; a secret is random bytes that nobody else knows";
        return nullptr;
    }
    auto set = std::make_shared<KeySet>();
    set->any_kid = true;
    Key& key = set->keys.emplace_back();
    key.algorithms = allowed;
    key.secret = secret;
    prepare(key);
    if (key.algorithms.empty()) {
        why = "OpenSSL has no HMAC here";
        return nullptr;
    }
    return set;
}

std::shared_ptr<const KeySet> import_key(std::unique_ptr<EVP_PKEY, FreeKey> key, Algorithms allowed,
                                         std::string& why) {
    Algorithms algorithms = algorithms_of(key.get(), why);
    if (algorithms.empty()) {
        why = "the key " + why;
        return nullptr;
    }
    if (!allowed.empty() && (algorithms & allowed).empty()) {
        why = "the key is for " + names_of(algorithms) + ", and only " + names_of(allowed) +
              " is allowed";
        return nullptr;
    }
    if (!allowed.empty())
        algorithms = algorithms & allowed;
    auto set = std::make_shared<KeySet>();
    set->any_kid = true;
    Key& only = set->keys.emplace_back();
    only.algorithms = algorithms;
    only.public_key = std::move(key);
    prepare(only);
    if (only.algorithms.empty()) {
        why = "the key is one that OpenSSL cannot check signatures with here";
        return nullptr;
    }
    return set;
}

std::shared_ptr<const KeySet> import_jwks(std::string_view json, Algorithms allowed,
                                          std::vector<std::string>& skipped, std::string& why) {
    if (json.size() > kMaxKeySet) {
        why = "the JWK set has more than " + std::to_string(kMaxKeySet / 1024) + " KiB";
        return nullptr;
    }
    const Json object = parse_object(json);
    const json_t* keys = object == nullptr ? nullptr : json_object_get(object.get(), "keys");
    if (!json_is_array(keys)) {
        why = R"(this is no JWK set; expected a JSON object like {"keys":[...]})";
        return nullptr;
    }
    if (json_array_size(keys) > kMaxKeys) {
        why = "the JWK set has " + std::to_string(json_array_size(keys)) + " keys; at most " +
              std::to_string(kMaxKeys) + " are taken";
        return nullptr;
    }

    auto set = std::make_shared<KeySet>();
    for (size_t i = 0; i < json_array_size(keys); ++i) {
        const json_t* jwk = json_array_get(keys, i);
        Key key;
        std::string problem;
        if (!import_one(jwk, allowed, key, problem)) {
            skipped.push_back(called(i, jwk) + " " + problem);
            continue;
        }
        auto same = [&key](const Key& other) { return !key.kid.empty() && other.kid == key.kid; };
        if (std::any_of(set->keys.begin(), set->keys.end(), same)) {
            why = called(i, jwk) + " has the kid of another key of the JWK set";
            return nullptr;
        }
        set->keys.push_back(std::move(key));
    }
    return set;
}

}  // namespace herald::jwt
