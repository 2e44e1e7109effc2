// What questions and their answers are written with: numbers as they lie in memory, texts behind
// their lengths. Readers take from the front, and check before they believe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace herald::ring::questions {

// What a question begins with.
enum class Kind : uint32_t { History = 1, Publish = 2, View = 3, Poll = 4 };

template <class T>
void append_bytes(std::string& out, const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take_bytes(std::string_view& bytes, T& value) {
    if (bytes.size() < sizeof value)
        return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
    return true;
}

inline bool take_text(std::string_view& bytes, size_t length, std::string_view& text) {
    if (bytes.size() < length)
        return false;
    text = bytes.substr(0, length);
    bytes.remove_prefix(length);
    return true;
}

// A text behind its length.
inline void append_sized(std::string& out, std::string_view text) {
    append_bytes(out, static_cast<uint16_t>(text.size()));
    out.append(text);
}

inline bool take_sized(std::string_view& bytes, size_t longest, std::string_view& text) {
    uint16_t length = 0;
    return take_bytes(bytes, length) && length <= longest && take_text(bytes, length, text);
}

// The kind of a question, taken off its front.
inline bool take_kind(std::string_view& bytes, Kind& kind) {
    return take_bytes(bytes, kind);
}

}  // namespace herald::ring::questions
