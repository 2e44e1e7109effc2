// WebSocket (RFC 6455) as a server needs it that streams outwards: the frames of a client judged,
// the frames to a client framed, and the parts of the handshake that are about text alone.
//
// The parser is a state machine over bytes, cut anywhere. It holds no message: the data that a
// client sends is unmasked, validated and forgotten, so a connection costs one `WsParser`, and the
// payload of a control frame while the network has cut it in two. A message that is compressed (RFC
// 7692) is forgotten as it is, so that nobody has it inflated here; without that extension its bit
// is an error, as the others are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ring/utf8.hpp"
#include "ws_handshake.hpp"  // IWYU pragma: export

namespace herald {

enum WsOpcode : uint8_t {
    kWsContinuation = 0,
    kWsText = 1,
    kWsBinary = 2,
    kWsClose = 8,
    kWsPing = 9,
    kWsPong = 10,
};

// Beside an opcode: the message is compressed (RSV1, RFC 7692, section 6).
constexpr unsigned kWsCompressed = 0x40;

constexpr size_t kWsMaxControl = 125;  // bytes of payload of a ping, pong or close (section 5.5)

class WsParser {
  public:
    enum class Result {
        NeedMore,  // all bytes are used, nothing to report
        Ping,      // event.payload: to be echoed in a pong
        Pong,      // event.payload
        Message,   // a text or binary message is complete: event.opcode, event.length
        Close,     // event.code (0: none given), event.payload: the reason. The last event
        Error,     // event.code (1002, 1007, 1009), event.payload: why. The last event
    };

    // What a result other than NeedMore says about itself. `payload` lives until the next `consume`
    // and as long as the parser and the bytes that it was given, or for ever (Error).
    struct Event {
        std::string_view payload;
        uint64_t length = 0;  // bytes of the message, over all its fragments
        uint16_t code = 0;
        uint8_t opcode = 0;
    };

    // `max_message`: bytes that a data message may have over all its fragments. `deflate`:
    // permessage-deflate was agreed on.
    explicit WsParser(size_t max_message, bool deflate = false)
        : max_message_(max_message), deflate_(deflate) {}

    // Reads up to the end of the next event. `used` is how many bytes that took: call again with
    // the rest until NeedMore. Payload bytes are unmasked where they are. After Close or Error
    // every byte is discarded unread (sections 5.5.1 and 7.1.7) and the result is NeedMore.
    Result consume(char* bytes, size_t size, size_t& used, Event& event);

  private:
    enum class State : uint8_t { Opcode, Length, ExtendedLength, MaskKey, Payload, Done };

    const char* take_opcode(unsigned char byte);
    const char* take_length(unsigned char byte);
    bool take_extended_length(unsigned char byte);
    bool fits() const;
    void start_payload();
    bool take_payload(char* bytes, size_t size, Event& event);
    std::string_view join(std::string_view part);
    Result finish_frame(Event& event);
    Result finish_close(std::string_view control, Event& event);
    Result fail(uint16_t code, const char* why, Event& event);

    bool is_control() const { return opcode_ >= kWsClose; }

    uint64_t max_message_;
    uint64_t message_length_ = 0;  // bytes of the data message so far, this frame included
    uint64_t remaining_ = 0;       // payload bytes of the frame that are still to come
    State state_ = State::Opcode;
    bool fin_ = false;
    bool deflate_;
    bool compressed_ = false;     // the unfinished data message is
    uint8_t opcode_ = 0;          // of the frame
    uint8_t message_opcode_ = 0;  // of the unfinished data message; 0: none
    uint8_t field_bytes_ = 0;     // bytes that the length or the masking key still lacks
    uint8_t length_bytes_ = 0;    // bytes of the extended length: 2 or 8
    uint8_t mask_at_ = 0;         // which byte of the key masks the next payload byte
    ring::Utf8 text_;
    unsigned char mask_[4] = {};
    std::unique_ptr<std::string> cut_{};  // payload so far of a control frame that comes in parts
};

// Writes the header of a whole, unmasked frame at `out`, which has room for 10 bytes; returns its
// size.
constexpr size_t kWsMaxHeader = 10;
size_t ws_header(char* out, unsigned opcode, uint64_t length);
// The size of the header that a frame of ours begins with.
size_t ws_header_size(std::string_view frame);

void append_ws_text(std::string& out, std::string_view text);
// Code 0 writes a Close without a code. The reason is cut to what fits, at the end of a character.
void append_ws_close(std::string& out, uint16_t code, std::string_view reason);
// At most kWsMaxControl bytes of payload are written.
void append_ws_ping(std::string& out, std::string_view payload);
void append_ws_pong(std::string& out, std::string_view payload);

}  // namespace herald
