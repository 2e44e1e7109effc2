// jansson parses; what it says of the content is not repeated, only where it was.
#include "sidecar/key_set.hpp"

#include <jansson.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>

#include "ring/trust.hpp"

namespace herald::sidecar {

using ring::trust::kMaxKeySet;

namespace {

// RFC 7518, sections 6.2.2, 6.3.2 and 6.4.
constexpr std::array kSecretMembers{"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

struct FreeJson {
    void operator()(json_t* json) const noexcept { json_decref(json); }
};
struct FreeText {
    void operator()(char* text) const noexcept { std::free(text); }
};

std::string_view string_of(const json_t* object, const char* member) {
    const json_t* value = json_object_get(object, member);
    return json_is_string(value)
               ? std::string_view{json_string_value(value), json_string_length(value)}
               : std::string_view{};
}

std::string too_large() {
    return "is larger than " + std::to_string(kMaxKeySet) + " bytes";
}

std::string describe(const json_error_t& error, std::string_view bytes) {
    if (json_error_code(&error) == json_error_duplicate_key)
        return "has a member twice in one object, at line " + std::to_string(error.line);
    const size_t start = bytes.find_first_not_of(" \t\r\n");
    if (start == bytes.npos)
        return "is empty";
    if (bytes[start] == '<')
        return "is HTML or XML, not a JWK set";
    return "is not JSON (line " + std::to_string(error.line) + ", column " +
           std::to_string(error.column) + ")";
}

bool is_secret(const json_t* key) {
    return string_of(key, "kty") == "oct" ||
           std::any_of(kSecretMembers.begin(), kSecretMembers.end(), [key](const char* member) {
               return json_object_get(key, member) != nullptr;
           });
}

// Takes the secret ones out of `keys`; false where one of them is no key.
bool clean(json_t* keys, KeySetText& set) {
    for (size_t i = 0; i < json_array_size(keys);) {
        json_t* key = json_array_get(keys, i);
        if (!json_is_object(key))
            return false;
        if (is_secret(key)) {
            json_array_remove(keys, i);
            ++set.secret;
            continue;
        }
        if (const std::string_view kid = string_of(key, "kid"); !kid.empty())
            set.kids.emplace_back(kid);
        ++i;
    }
    set.keys = json_array_size(keys);
    return true;
}

}  // namespace

std::optional<KeySetText> read_key_set(std::string_view bytes, std::string& why) {
    const auto refuse = [&](std::string reason) -> std::optional<KeySetText> {
        why = std::move(reason);
        return std::nullopt;
    };
    if (bytes.size() > kMaxKeySet)
        return refuse(too_large());

    json_error_t error;
    const std::unique_ptr<json_t, FreeJson> root(
        json_loadb(bytes.data(), bytes.size(), JSON_REJECT_DUPLICATES, &error));
    if (!root)
        return refuse(describe(error, bytes));
    json_t* keys = json_object_get(root.get(), "keys");
    if (!json_is_array(keys))
        return refuse("is not a JWK set: expected an object with an array \"keys\"");
    if (json_array_size(keys) > kMaxKeys)
        return refuse("has " + std::to_string(json_array_size(keys)) + " keys, at most " +
                      std::to_string(kMaxKeys) + " are allowed");
    KeySetText set;
    if (!clean(keys, set))
        return refuse("is not a JWK set: each of \"keys\" has to be an object");

    // Members beside `keys` mean nothing to a worker.
    const std::unique_ptr<json_t, FreeJson> fresh(json_pack("{s:O}", "keys", keys));
    const std::unique_ptr<char, FreeText> text(
        fresh ? json_dumps(fresh.get(), JSON_COMPACT | JSON_SORT_KEYS) : nullptr);
    if (!text)
        throw std::bad_alloc();
    set.json = text.get();
    if (set.json.size() > kMaxKeySet)
        return refuse(too_large());
    return set;
}

}  // namespace herald::sidecar
