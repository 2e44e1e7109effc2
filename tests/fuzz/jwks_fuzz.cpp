// Whatever is published as a JWK set: import_jwks() ends, keeps to its bounds, and every key that
// it takes can be used with what it says, and with nothing that was not allowed.
//
// The first byte chooses what is allowed; the rest is the set.
#include <openssl/err.h>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jwt/keys.hpp"
#include "jwt/signature.hpp"

namespace {

using namespace herald::jwt;

void require(bool holds) {
    if (!holds)
        std::abort();
}

Algorithms chosen(uint8_t byte) {
    Algorithms algorithms;
    for (size_t i = 0; i < kAlgorithms && byte != 0; ++i) {
        if ((byte >> i % 8 & 1) != 0)
            algorithms.add(static_cast<Algorithm>(i));
    }
    return algorithms;
}

void check(const Key& key, Algorithms allowed) {
    require(key.public_key != nullptr && key.secret.empty());
    require(!key.algorithms.empty());
    const size_t size = static_cast<size_t>(EVP_PKEY_get_size(key.public_key.get()));
    for (size_t i = 0; i < kAlgorithms; ++i) {
        const auto algorithm = static_cast<Algorithm>(i);
        require(!key.algorithms.has(algorithm) || allowed.empty() || allowed.has(algorithm));
        require(!key.algorithms.has(algorithm) || !name_of(algorithm).starts_with("HS"));
        for (size_t length : {size_t{0}, size_t{64}, size_t{96}, size})
            require(!verify_signature(key, algorithm, "text", std::string(length, '\x55')));
    }
}

void check_text(const std::string& sentence) {
    require(!sentence.empty() && sentence.size() < 300);
    for (char c : sentence)
        require(c >= ' ' && c <= '~');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0)
        return 0;
    const Algorithms allowed = chosen(bytes[0]);
    const std::string_view json(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    std::vector<std::string> skipped;
    std::string why;
    const auto set = import_jwks(json, allowed, skipped, why);
    require(ERR_peek_error() == 0);
    for (const std::string& sentence : skipped)
        check_text(sentence);
    if (set == nullptr) {
        check_text(why);
        return 0;
    }
    require(set->keys.size() + skipped.size() <= kMaxKeys && !set->any_kid);
    std::set<std::string> names;
    for (const Key& key : set->keys) {
        check(key, allowed);
        require(key.kid.empty() || names.insert(key.kid).second);
    }
    return 0;
}
