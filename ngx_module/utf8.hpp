// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
//
// `Utf8` judges a text that arrives in pieces, such as a WebSocket message in frames, and reports
// the first byte that can no longer lead to valid text as soon as it sees it. It allocates nothing
// and keeps three bytes of state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace herald {

class Utf8 {
  public:
    // Whether everything fed so far can still become valid text. Once false, false until `reset`.
    bool feed(const unsigned char* bytes, size_t size);
    // Whether what was fed is valid and ends at the end of a character. An empty text is complete.
    bool complete() const { return pending_ == 0; }
    void reset() { *this = Utf8(); }

  private:
    static constexpr uint8_t kInvalid = 0xff;

    bool start_character(unsigned char lead);

    uint8_t pending_ = 0;  // continuation bytes that the current character lacks, or kInvalid
    // What the next continuation byte may be. Only the second byte of a character is ever bound
    // more narrowly than this: by that rule alone overlongs and surrogates fall away.
    uint8_t lowest_ = 0x80;
    uint8_t highest_ = 0xbf;
};

// Bytes of the character that `text` starts with (1 to 4), or 0 where it starts with none: an empty
// text, a cut character, or bytes that are not UTF-8.
size_t utf8_sequence(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace herald
