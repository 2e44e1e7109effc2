// Eight bytes of a text looked at together, for loops over tokens that the compiler leaves one byte
// at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace herald::jwt {

constexpr uint64_t kEachByte = 0x0101010101010101;
constexpr uint64_t kTopBits = 0x80 * kEachByte;

// The first byte lowest, whatever the machine's order.
inline uint64_t load_eight(const char* bytes) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return std::endian::native == std::endian::big ? __builtin_bswap64(word) : word;
}

// These give the top bits of the bytes for which they hold. The lowest one is right, and 0 is;
// above a byte that is marked others may be wrongly so.

// Bytes of at most 0x7f that are less than `bound`, which is at most 0x80.
constexpr uint64_t bytes_below(uint64_t word, uint8_t bound) {
    return (word - bound * kEachByte) & ~word & kTopBits;
}
constexpr uint64_t bytes_equal(uint64_t word, char c) {
    return bytes_below(word ^ static_cast<uint8_t>(c) * kEachByte, 1);
}
constexpr uint64_t bytes_not_ascii(uint64_t word) {
    return word & kTopBits;
}

}  // namespace herald::jwt
