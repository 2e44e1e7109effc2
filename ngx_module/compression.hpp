// Events compressed once and shared: gzip for SSE (RFC 1952), permessage-deflate for WebSocket (RFC
// 7692).
//
// Every event is a deflate block of its own (RFC 1951), flushed to a byte boundary, and refers to
// nothing but itself. So the same bytes fit into the stream of whoever gets them, wherever it
// began, and no event's length tells anything of another. A gzip stream ends with a checksum of
// everything that was in it: the sum of a lane's bytes is kept once, at every segment, and a
// subscriber's own is computed from it when it is needed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "encoding.hpp"

namespace herald {

// The CRC-32 and the length of a text, as the trailer of a gzip stream has them (RFC 1952,
// section 2.3.1).
struct GzipSum {
    uint32_t crc = 0;
    uint64_t size = 0;  // bytes

    void add(std::string_view text);
    // Adds what a longer text got between two of its sums.
    void add_between(const GzipSum& from, const GzipSum& to);
    bool operator==(const GzipSum&) const = default;
};

// Encoded bytes that several subscribers are sent.
struct SharedFrame {
    std::shared_ptr<const std::string> bytes{};
    GzipSum text{};  // gzip: of what is compressed in them
};

// A gzip stream is this header, blocks, and the trailer of what was in them.
extern const std::string_view kGzipHeader;
std::string gzip_trailer(const GzipSum& sum);

// Appends `text` as a block. Throws bad_alloc.
void append_gzip_block(std::string& out, std::string_view text);

// Appends an event as its encoding, a compressed one, has it. SSE: a gzip block, whose text `sum`
// takes in. WebSocket: a frame, which is left uncompressed where that is no longer. Throws
// bad_alloc.
void append_compressed_event(std::string& out, const Encoding& encoding, const OutEvent& event,
                             GzipSum& sum);

}  // namespace herald
