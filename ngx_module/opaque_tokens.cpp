#include "opaque_tokens.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <initializer_list>
#include <new>

namespace herald {

namespace {

// Fetched once: OpenSSL 3 looks an algorithm up by its name at every use of EVP_sha256().
const EVP_MD* sha256() {
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return algorithm;
}

bool same(const Digest& a, const Digest& b) {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The first of these members that is there and not null.
const json_t* member(const json_t* entry, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const json_t* value = json_object_get(entry, name);
        if (value != nullptr && !json_is_null(value))
            return value;
    }
    return nullptr;
}

// False where the member is there and no string.
bool take_string(const json_t* value, std::string& out) {
    if (value == nullptr)
        return true;
    if (!json_is_string(value))
        return false;
    out.assign(json_string_value(value), json_string_length(value));
    return true;
}

// The first of these members that is there, but null or ""; nullptr where none is.
const char* empty_member(const json_t* entry, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const json_t* value = json_object_get(entry, name);
        if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
            return name;
    }
    return nullptr;
}

// Empty where the entry can be used, else why not.
std::string add_credential(const char* id, const json_t* entry, OpaqueTokens& tokens) {
    if (!json_is_object(entry))
        return "is no object";
    std::string user = id == nullptr ? "" : id;
    std::string key, secret, token;
    if (!take_string(member(entry, {"id", "name", "identifier"}), user))
        return "has an id that is no string";
    if (!is_plain_text(user))
        return "has an id with control characters";
    if (!take_string(member(entry, {"key", "api_key"}), key) ||
        !take_string(member(entry, {"secret", "api_secret"}), secret) ||
        !take_string(member(entry, {"token", "bearer_token", "oauth_token"}), token))
        return "has a key, secret or token that is no string";
    if (key.empty() && token.empty())
        return "has neither a key nor a token";
    // Where a secret came to nothing, as of a variable that is not set, the key must not go alone.
    const char* empty =
        empty_member(entry, {"secret", "api_secret", "token", "bearer_token", "oauth_token"});
    if (!key.empty() && empty != nullptr)
        return "has a key, and a \"" + std::string(empty) +
               "\" that is empty or null (give it a value, or leave the member out)";

    const json_t* roles = member(entry, {"roles", "scopes"});
    if (roles != nullptr && !json_is_array(roles) && !json_is_string(roles))
        return "has roles that are neither a list nor a string";
    for (size_t i = 0; json_is_array(roles) && i < json_array_size(roles); ++i) {
        if (!json_is_string(json_array_get(roles, i)))
            return "has a role that is no string";
    }

    const auto identity = opaque_identity(user, jwt::words_of(roles));
    if (!token.empty())
        tokens.add_token(digest_of(token), identity);
    if (!key.empty())
        tokens.add_pair(key, secret, identity);
    return {};
}

}  // namespace

Digest digest_of(std::string_view token) {
    Digest digest{};
    unsigned int size = 0;
    // It fails where memory is out, and then nothing may compare equal.
    if (EVP_Digest(token.data(), token.size(), digest.data(), &size, sha256(), nullptr) != 1 ||
        size != digest.size())
        throw std::bad_alloc();
    return digest;
}

bool parse_digest(std::string_view hex, Digest& out) {
    if (hex.size() != 2 * out.size())
        return false;
    for (size_t i = 0; i < out.size(); ++i) {
        const int high = hex_digit(hex[2 * i]);
        const int low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = static_cast<uint8_t>(high * 16 + low);
    }
    return true;
}

void OpaqueTokens::add_token(const Digest& token, std::shared_ptr<const Identity> identity) {
    tokens_.push_back({token, std::move(identity)});
}

void OpaqueTokens::add_pair(std::string_view key, std::string_view secret,
                            std::shared_ptr<const Identity> identity) {
    const Digest digest = digest_of(key);
    std::erase_if(pairs_, [&](const Pair& pair) { return same(pair.key, digest); });
    pairs_.push_back({digest, digest_of(secret), std::move(identity)});
}

std::shared_ptr<const Identity> OpaqueTokens::find_token(const Digest& token) const {
    const Token* found = nullptr;
    for (const Token& known : tokens_) {
        if (same(known.digest, token))
            found = &known;
    }
    return found == nullptr ? nullptr : found->identity;
}

std::shared_ptr<const Identity> OpaqueTokens::find_pair(std::string_view key,
                                                        std::string_view secret) const {
    const Digest key_digest = digest_of(key);
    const Digest secret_digest = digest_of(secret);
    const Pair* found = nullptr;
    for (const Pair& known : pairs_) {
        const bool key_matches = same(known.key, key_digest);
        const bool secret_matches = same(known.secret, secret_digest);
        if (key_matches && secret_matches)
            found = &known;
    }
    return found == nullptr ? nullptr : found->identity;
}

std::shared_ptr<const Identity> opaque_identity(std::string_view user,
                                                std::vector<std::string> roles) {
    auto identity = std::make_shared<Identity>();
    identity->opaque = true;
    identity->claims.user = user;
    identity->claims.roles = std::move(roles);
    return identity;
}

bool import_credentials(std::string_view json, OpaqueTokens& tokens,
                        std::vector<std::string>& skipped, std::string& why) {
    json_error_t error;
    const jwt::Json list(json_loadb(json.data(), json.size(), JSON_REJECT_DUPLICATES, &error));
    if (list == nullptr) {
        // jansson's text may quote what it stumbled over, which may be a secret.
        why = "is no JSON (line " + std::to_string(error.line) + ", column " +
              std::to_string(error.column) + ")";
        return false;
    }
    if (json_is_array(list.get())) {
        for (size_t i = 0; i < json_array_size(list.get()); ++i) {
            const std::string fault =
                add_credential(nullptr, json_array_get(list.get(), i), tokens);
            if (!fault.empty())
                skipped.push_back("entry " + std::to_string(i + 1) + " " + fault);
        }
        return true;
    }
    const char* id;
    json_t* entry;
    json_object_foreach(list.get(), id, entry) {
        const std::string fault = add_credential(id, entry, tokens);
        if (!fault.empty())
            skipped.push_back("entry \"" + std::string(id) + "\" " + fault);
    }
    return true;
}

}  // namespace herald
