#include "base64url.hpp"

#include <array>
#include <cstdint>

namespace herald::jwt {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> kValues = [] {
    std::array<uint8_t, 256> values{};
    values.fill(kNone);
    for (size_t i = 0; i < kAlphabet.size(); ++i)
        values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
    return values;
}();

}  // namespace

bool decode_base64url(std::string_view text, std::string& bytes) {
    bytes.clear();
    if (text.size() % 4 == 1)
        return false;
    bytes.resize(text.size() * 3 / 4);

    char* out = bytes.data();
    uint8_t seen = 0;  // kNone's upper bits once a character was none of ours
    auto value_of = [&seen](char c) -> uint32_t {
        const uint8_t value = kValues[static_cast<uint8_t>(c)];
        seen |= value;
        return value & 63;
    };
    size_t at = 0;
    for (; at + 4 <= text.size(); at += 4) {
        const uint32_t bits = value_of(text[at]) << 18 | value_of(text[at + 1]) << 12 |
                              value_of(text[at + 2]) << 6 | value_of(text[at + 3]);
        *out++ = static_cast<char>(bits >> 16);
        *out++ = static_cast<char>(bits >> 8);
        *out++ = static_cast<char>(bits);
    }
    uint32_t bits = 0;
    unsigned held = 0;
    for (; at < text.size(); ++at) {
        bits = bits << 6 | value_of(text[at]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            *out++ = static_cast<char>(bits >> held);
        }
    }
    const bool leftover = (bits & ((1u << held) - 1)) != 0;
    return (seen & 0xc0) == 0 && !leftover;
}

std::string encode_base64url(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    uint32_t bits = 0;
    unsigned held = 0;
    for (char c : bytes) {
        bits = bits << 8 | static_cast<uint8_t>(c);
        held += 8;
        while (held >= 6) {
            held -= 6;
            text += kAlphabet[bits >> held & 63];
        }
    }
    if (held != 0)
        text += kAlphabet[bits << (6 - held) & 63];
    return text;
}

}  // namespace herald::jwt
