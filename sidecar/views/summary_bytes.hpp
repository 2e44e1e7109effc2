// Bytes of checkpoints, in this machine's order: a checkpoint does not travel. And what summaries
// read out of JSON.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "sidecar/json_scan.hpp"

namespace herald::sidecar {

template <class T>
void put_bytes(std::string& out, const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take_bytes(std::string_view& in, T& value) {
    if (in.size() < sizeof value)
        return false;
    std::memcpy(&value, in.data(), sizeof value);
    in.remove_prefix(sizeof value);
    return true;
}

// A text of at most 65535 bytes, behind its length.
inline void put_text(std::string& out, std::string_view text) {
    put_bytes(out, static_cast<uint16_t>(text.size()));
    out.append(text);
}
inline bool take_text(std::string_view& in, std::string_view& text) {
    uint16_t length = 0;
    if (!take_bytes(in, length) || in.size() < length)
        return false;
    text = in.substr(0, length);
    in.remove_prefix(length);
    return true;
}

// Whether a member that a scan has found is an object.
inline bool is_object(const JsonScanner& scanner, size_t i) {
    return scanner.member(i) == Member::Other && scanner.raw(i).starts_with('{');
}

// The inside of a JSON string in one spelling, where it has one without escapes. `memory` holds it
// where it had escapes.
inline std::string_view plain_text(std::string_view raw, std::string& memory) {
    if (raw.find('\\') == std::string_view::npos)
        return raw;
    memory.clear();
    if (!unescape_json(raw, memory))
        return raw;
    for (const char c : memory) {
        if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20)
            return raw;
    }
    return memory;
}

// A string's inside or a number's digits: what ids may be. Empty: neither.
inline std::string_view id_text(const JsonScanner& scanner, size_t i, std::string& memory) {
    if (scanner.member(i) == Member::String)
        return plain_text(scanner.raw(i), memory);
    return scanner.member(i) == Member::Number ? scanner.raw(i) : std::string_view();
}

}  // namespace herald::sidecar
