#include "sidecar/cli/token_key.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <stdexcept>

#include "sidecar/files.hpp"

namespace herald::cli {

namespace {

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};

// Nobody is asked for a password.
int no_password(char*, int, int, void*) noexcept {
    return -1;
}

std::string trimmed(const std::string& text) {
    constexpr const char* kBlank = " \t\r\n";
    const size_t first = text.find_first_not_of(kBlank);
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string read_text(const std::string& where) {
    if (where.starts_with("env:")) {
        const char* value = std::getenv(where.c_str() + 4);
        if (value == nullptr)
            throw std::runtime_error("the environment has no " + where.substr(4));
        return value;
    }
    return sidecar::read_file(where.starts_with("file:") ? where.substr(5) : where);
}

PublicOrPrivate read_pem(const std::string& text, bool is_private) {
    const std::unique_ptr<BIO, FreeBio> bio(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    PublicOrPrivate key(is_private
                            ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)
                            : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    return key;
}

}  // namespace

TokenKey load_token_key(const std::string& where) {
    const std::string text = trimmed(read_text(where));
    if (text.empty())
        throw std::runtime_error(where + " is empty");
    TokenKey key;
    if (text.find("-----BEGIN ") == text.npos) {
        key.secret = text;
        return key;
    }
    key.pair = read_pem(text, true);
    key.is_private = key.pair != nullptr;
    if (!key.is_private)
        key.pair = read_pem(text, false);
    if (key.pair == nullptr)
        throw std::runtime_error(where +
                                 " has neither a private nor a public key in PEM that can be read "
                                 "without a password (openssl pkey removes it)");
    return key;
}

std::shared_ptr<const jwt::KeySet> checking_keys(const TokenKey& key, jwt::Algorithms allowed,
                                                 const std::string& where) {
    std::string why;
    std::shared_ptr<const jwt::KeySet> keys;
    if (key.pair == nullptr) {
        if (allowed.empty()) {
            for (auto hash : {jwt::Algorithm::HS256, jwt::Algorithm::HS384, jwt::Algorithm::HS512})
                allowed.add(hash);
        }
        keys = jwt::import_secret(key.secret, allowed, why);
    } else {
        EVP_PKEY_up_ref(key.pair.get());
        keys = jwt::import_key(PublicOrPrivate(key.pair.get()), allowed, why);
    }
    if (keys == nullptr)
        throw std::runtime_error(where + ": " + why);
    return keys;
}

}  // namespace herald::cli
