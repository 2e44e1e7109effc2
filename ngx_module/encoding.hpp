// The bytes of an event on each transport: SSE, WebSocket text frames, and the herald.v1 envelope.
//
// Pure functions from an event to bytes, without state. An SSE block has LF line ends, one space
// after each colon and exactly one `data:` line (WHATWG HTML, section 9.2.6). Whether SSE is
// wrapped into HTTP chunks is decided where blocks are collected, once for many events (lane.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ring/id.hpp"

namespace herald {

using ring::EventId;

enum class Transport : uint8_t { Sse, WsText, WsEnvelope };

// What distinguishes the byte streams that subscribers of one channel can have.
struct Encoding {
    Transport transport = Transport::Sse;
    bool chunked = false;     // SSE: wrapped into HTTP/1.1 chunks
    bool ids = true;          // SSE: with `id:` lines
    bool names = true;        // SSE: published events have their `event:` lines
    bool compressed = false;  // SSE: gzip; WebSocket: permessage-deflate

    static constexpr size_t kCount = 20;
    constexpr size_t index() const {
        const size_t half = compressed ? kCount / 2 : 0;
        if (transport == Transport::Sse)
            return half + (names ? 4u : 0u) + (chunked ? 2u : 0u) + (ids ? 1u : 0u);
        return half + (transport == Transport::WsText ? 8 : 9);
    }
    static constexpr Encoding at(size_t index) {
        const bool compressed = index >= kCount / 2;
        index %= kCount / 2;
        if (index < 8)
            return {Transport::Sse, (index & 2) != 0, (index & 1) != 0, (index & 4) != 0,
                    compressed};
        return {index == 8 ? Transport::WsText : Transport::WsEnvelope, false, true, true,
                compressed};
    }
};

// An event on its way out. No member may hold CR or LF; `data` is one line of JSON.
struct OutEvent {
    std::optional<EventId> id;
    std::string_view event;    // empty: unnamed
    std::string_view channel;  // empty: none
    std::string_view data;
};

// An upper bound, in bytes, of what `encode_event` writes.
size_t encoded_bound(Transport transport, const OutEvent& event);
// Writes the event at `out` and returns one past its end.
char* encode_event(Transport transport, bool ids, const OutEvent& event, char* out);
void append_event(std::string& out, Transport transport, bool ids, const OutEvent& event);

enum class GapReason : uint8_t { Evicted, Trimmed, Redis, UnknownId };
std::string_view name_of(GapReason reason);

// The data of a `gap` event: what lies between `from` (the last id before it, if known) and `to`
// (the last id that is lost; the stream is whole behind it).
std::string gap_data(GapReason reason, std::optional<EventId> from, EventId to);

// SSE's `retry:` line as a block of its own; milliseconds.
void append_retry(std::string& out, uint64_t milliseconds);
// An SSE comment block. `text` has no CR or LF.
void append_comment(std::string& out, std::string_view text);

// `text` as the inside of a JSON string (RFC 8259, section 7); bytes that are not UTF-8 become
// U+FFFD.
void append_json_text(std::string& out, std::string_view text);

// One HTTP/1.1 chunk (RFC 9112, section 7.1) around `body`, which must not be empty.
std::string chunk(std::string_view body);

}  // namespace herald
