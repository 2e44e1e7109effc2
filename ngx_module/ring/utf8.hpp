// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
//
// `Utf8` judges a text that arrives in pieces, such as a WebSocket message in frames, and reports
// the first byte that can no longer lead to valid text as soon as it sees it. It allocates nothing
// and keeps three bytes of state.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace herald::ring {

class Utf8 {
  public:
    // Whether everything fed so far can still become valid text. Once false, false until `reset`.
    bool feed(const unsigned char* bytes, size_t size);
    // Whether what was fed is valid and ends at the end of a character. An empty text is complete.
    bool complete() const { return pending_ == 0; }
    void reset() { *this = Utf8(); }

  private:
    static constexpr uint8_t kInvalid = 0xff;

    static size_t ascii_prefix(const unsigned char* bytes, size_t size);
    bool start_character(unsigned char lead);

    uint8_t pending_ = 0;  // continuation bytes that the current character lacks, or kInvalid
    // What the next continuation byte may be. Only the second byte of a character is ever bound
    // more narrowly than this: by that rule alone overlongs and surrogates fall away.
    uint8_t lowest_ = 0x80;
    uint8_t highest_ = 0xbf;
};

// Bytes of the character that `text` starts with (1 to 4), or 0 where it starts with none: an empty
// text, a cut character, or bytes that are not UTF-8.
inline size_t utf8_sequence(std::string_view text);

inline bool is_utf8(std::string_view text);

// The length of an ASCII prefix, a multiple of eight, found eight bytes at a time. The rest may
// still start with up to seven more.
inline size_t Utf8::ascii_prefix(const unsigned char* bytes, size_t size) {
    size_t at = 0;
    while (size - at >= 8) {
        uint64_t eight;
        std::memcpy(&eight, bytes + at, 8);
        if (eight & 0x8080808080808080)
            break;
        at += 8;
    }
    return at;
}

inline bool Utf8::feed(const unsigned char* bytes, size_t size) {
    if (pending_ == kInvalid)
        return false;

    size_t at = 0;
    while (at < size) {
        if (pending_ == 0) {
            at += ascii_prefix(bytes + at, size - at);
            if (at == size)
                return true;
            if (!start_character(bytes[at++]))
                return false;
            continue;
        }
        const unsigned char byte = bytes[at++];
        if (byte < lowest_ || byte > highest_) {
            pending_ = kInvalid;
            return false;
        }
        --pending_;
        lowest_ = 0x80;
        highest_ = 0xbf;
    }
    return true;
}

// RFC 3629, section 4. The lead byte fixes the length and, for five of its values, the range of the
// byte behind it:
//
//     c2..df  80..bf
//     e0      a0..bf  80..bf            below a0: overlong
//     e1..ef  80..bf  80..bf            but ed 80..9f: above are surrogates
//     f0      90..bf  80..bf  80..bf    below 90: overlong
//     f1..f3  80..bf  80..bf  80..bf
//     f4      80..8f  80..bf  80..bf    above 8f: more than U+10FFFF
inline bool Utf8::start_character(unsigned char lead) {
    if (lead < 0x80)
        return true;
    if (lead < 0xc2 || lead > 0xf4) {
        pending_ = kInvalid;
        return false;
    }

    pending_ = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    lowest_ = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    highest_ = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return true;
}

inline size_t utf8_sequence(std::string_view text) {
    Utf8 character;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    for (size_t length = 1; length <= std::min<size_t>(text.size(), 4); ++length) {
        if (!character.feed(bytes + length - 1, 1))
            return 0;
        if (character.complete())
            return length;
    }
    return 0;
}

inline bool is_utf8(std::string_view text) {
    Utf8 whole;
    return whole.feed(reinterpret_cast<const unsigned char*>(text.data()), text.size()) &&
           whole.complete();
}

}  // namespace herald::ring
