#include "sidecar/webhooks/signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace herald::sidecar {

namespace {

constexpr std::string_view kPrefix = "whsec_";

std::string encode_base64(const unsigned char* bytes, size_t size) {
    std::string text(4 * ((size + 2) / 3) + 1, '\0');  // and OpenSSL's NUL
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes,
                                       static_cast<int>(size));
    text.resize(static_cast<size_t>(length));
    return text;
}

// Empty where it is no base64, with its padding. EVP_DecodeBlock counts padding as bytes.
std::string decode_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3, '\0');
    if (text.empty() || text.size() % 4 != 0 ||
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size())) < 0)
        return {};
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    bytes.resize(bytes.size() - padding);
    return bytes;
}

}  // namespace

std::string webhook_key(std::string_view secret) {
    if (!secret.starts_with(kPrefix))
        return std::string(secret);
    return decode_base64(secret.substr(kPrefix.size()));
}

std::string sign_webhook(const std::vector<std::string>& keys, std::string_view id,
                         uint64_t timestamp, std::string_view body) {
    std::string content(id);
    content += '.';
    content += std::to_string(timestamp);
    content += '.';
    content += body;

    std::string signatures;
    for (const std::string& key : keys) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                 reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest,
                 &size) == nullptr)
            throw std::runtime_error("OpenSSL cannot make an HMAC");
        signatures += signatures.empty() ? "v1," : " v1,";
        signatures += encode_base64(digest, size);
    }
    return signatures;
}

std::string header_safe(std::string_view text) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string safe;
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7f && c != '%') {
            safe += c;
        } else {
            safe += '%';
            safe += kDigits[byte >> 4];
            safe += kDigits[byte & 15];
        }
    }
    return safe;
}

}  // namespace herald::sidecar
