// Table 3-7 of the Unicode Standard as ranges of the second byte; plain ASCII goes by in words of
// eight bytes.
#include "sidecar/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace herald::sidecar {

size_t utf8_character(std::string_view text) {
    if (text.empty())
        return 0;
    auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80)
        return 1;

    // The second byte carries all the exceptions: its range keeps out overlong forms (E0, F0),
    // surrogates (ED) and what lies above U+10FFFF (F4).
    size_t length = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        length = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        length = 3;
        if (lead == 0xe0)
            low = 0xa0;
        if (lead == 0xed)
            high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        length = 4;
        if (lead == 0xf0)
            low = 0x90;
        if (lead == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }

    if (text.size() < length || byte(1) < low || byte(1) > high)
        return 0;
    for (size_t i = 2; i < length; ++i) {
        if (byte(i) < 0x80 || byte(i) > 0xbf)
            return 0;
    }
    return length;
}

bool is_utf8(std::string_view text) {
    constexpr uint64_t kHighBits = 0x8080808080808080;
    while (!text.empty()) {
        uint64_t word;
        while (text.size() >= sizeof word) {
            std::memcpy(&word, text.data(), sizeof word);
            if ((word & kHighBits) != 0)
                break;
            text.remove_prefix(sizeof word);
        }
        if (text.empty())
            return true;

        const size_t length = utf8_character(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

bool has_control_characters(std::string_view text) {
    for (char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return true;
    }
    return false;
}

}  // namespace herald::sidecar
