// What the tests of WsParser share: frames of a client, and `read`, which feeds the same bytes
// whole, byte by byte and in sevens, insists on one outcome, and writes it as text, an event each.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "ws_frame.hpp"

namespace herald {

using Result = WsParser::Result;

inline constexpr size_t kMax = 1 << 20;

// --- Frames of a client ---

struct Frame {
    unsigned opcode = kWsText;
    std::string_view payload;
    bool fin = true;
};

inline constexpr unsigned char kMask[4] = {0x37, 0xfa, 0x21, 0x3d};

// The header up to and without the masking key, with the shortest length.
inline std::string head(unsigned first, uint64_t length) {
    char out[kWsMaxHeader];
    const size_t size = ws_header(out, 0, length);
    out[0] = static_cast<char>(first);
    out[1] = static_cast<char>(out[1] | 0x80);
    return {out, size};
}

inline std::string masked(std::string_view payload) {
    std::string bytes(reinterpret_cast<const char*>(kMask), 4);
    for (size_t i = 0; i < payload.size(); ++i)
        bytes.push_back(static_cast<char>(payload[i] ^ static_cast<char>(kMask[i & 3])));
    return bytes;
}

inline std::string frame(unsigned first, std::string_view payload) {
    return head(first, payload.size()) + masked(payload);
}

inline std::string frame(const Frame& f) {
    return frame((f.fin ? 0x80 : 0) | f.opcode, f.payload);
}

inline std::string frames(std::initializer_list<Frame> list) {
    std::string bytes;
    for (const Frame& f : list)
        bytes += frame(f);
    return bytes;
}

inline std::string close_frame(unsigned code, std::string_view reason = {}) {
    const char bytes[] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return frame(0x88, std::string(bytes, 2).append(reason));
}

// --- What the parser made of them ---

inline std::string describe(Result result, const WsParser::Event& event) {
    switch (result) {
        case Result::Ping:
            return "ping(" + std::string(event.payload) + ")";
        case Result::Pong:
            return "pong(" + std::string(event.payload) + ")";
        case Result::Close:
            return "close(" + std::to_string(event.code) + " " + std::string(event.payload) + ")";
        case Result::Error:
            return "error(" + std::to_string(event.code) + ")";
        case Result::Message:
            return (event.opcode == kWsText ? "text(" : "binary(") + std::to_string(event.length) +
                   ")";
        case Result::NeedMore:
            break;
    }
    return "";
}

inline std::string read_in_pieces(std::string bytes, size_t piece, size_t max) {
    WsParser parser(max);
    std::string outcome;
    for (size_t at = 0; at < bytes.size();) {
        size_t used = 0;
        WsParser::Event event;
        const size_t size = std::min(piece, bytes.size() - at);
        const Result result = parser.consume(bytes.data() + at, size, used, event);
        EXPECT_LE(used, size);
        EXPECT_GT(used, 0u);
        at += used;
        outcome += describe(result, event);
    }
    return outcome;
}

inline std::string read(const std::string& bytes, size_t max = kMax) {
    const std::string whole = read_in_pieces(bytes, bytes.size() + 1, max);
    EXPECT_EQ(read_in_pieces(bytes, 1, max), whole) << "byte by byte";
    EXPECT_EQ(read_in_pieces(bytes, 7, max), whole) << "seven bytes at a time";
    return whole;
}

inline std::string read(std::initializer_list<Frame> list, size_t max = kMax) {
    return read(frames(list), max);
}

inline std::string bytes_of(std::initializer_list<unsigned> list) {
    std::string bytes;
    for (unsigned byte : list)
        bytes.push_back(static_cast<char>(byte));
    return bytes;
}

}  // namespace herald
