#include "ws_frame.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace herald {

// A client's frame (RFC 6455, section 5.2). The states of the parser are the fields:
//
//      0 1 2 3 4 5 6 7   0 1 2 3 4 5 6 7
//     +-+-+-+-+-------+ +-+-------------+ +-----------------+ +----------+ +---------+
//     |F|R|R|R| opcode| |M|   length    | | extended length | |   mask   | | payload |
//     |I|S|S|S|  (4)  | |A|     (7)     | | 0, 2 or 8 bytes | |  4 bytes | |  masked |
//     |N|V|V|V|       | |S|             | | if 126 or 127   | |          | |         |
//     +-+-+-+-+-------+ +-+-------------+ +-----------------+ +----------+ +---------+
//      Opcode            Length            ExtendedLength      MaskKey      Payload

namespace {

constexpr uint16_t kProtocolError = 1002;
constexpr uint16_t kInvalidText = 1007;
constexpr uint16_t kTooBig = 1009;

// Section 7.4: what an endpoint may send. 1004 to 1006 and 1015 never travel; below 3000 the rest
// is reserved for the protocol, and 1012 to 1014 were registered with IANA since.
constexpr bool is_close_code(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

// Unmasks in place; `at` is the index in the key of the first byte. Returns the index for the next.
uint8_t unmask(char* bytes, size_t size, const unsigned char (&mask)[4], uint8_t at) {
    unsigned char turned[8];
    for (size_t i = 0; i < 8; ++i)
        turned[i] = mask[(at + i) & 3];
    uint64_t key;
    std::memcpy(&key, turned, 8);

    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        uint64_t eight;
        std::memcpy(&eight, bytes + i, 8);
        eight ^= key;
        std::memcpy(bytes + i, &eight, 8);
    }
    for (; i < size; ++i)
        bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ turned[i & 7]);
    return static_cast<uint8_t>((at + size) & 3);
}

}  // namespace

WsParser::Result WsParser::consume(char* bytes, size_t size, size_t& used, Event& event) {
    used = 0;
    while (used < size && state_ != State::Done) {
        const auto byte = static_cast<unsigned char>(bytes[used]);
        switch (state_) {
            case State::Opcode:
                ++used;
                if (const char* why = take_opcode(byte))
                    return fail(kProtocolError, why, event);
                state_ = State::Length;
                break;

            case State::Length:
                ++used;
                if (const char* why = take_length(byte))
                    return fail(kProtocolError, why, event);
                if (state_ == State::MaskKey && !fits())
                    return fail(kTooBig, "message too big", event);
                break;

            case State::ExtendedLength:
                ++used;
                if (!take_extended_length(byte))
                    return fail(kProtocolError, "length not minimal", event);
                if (state_ == State::MaskKey && !fits())
                    return fail(kTooBig, "message too big", event);
                break;

            case State::MaskKey:
                ++used;
                mask_[4 - field_bytes_] = byte;
                if (--field_bytes_ != 0)
                    break;
                start_payload();
                if (remaining_ != 0)
                    break;
                [[fallthrough]];  // an empty frame ends with its key

            case State::Payload: {
                const auto part = static_cast<size_t>(std::min<uint64_t>(remaining_, size - used));
                const bool valid = take_payload(bytes + used, part, event);
                used += part;
                if (!valid)
                    return fail(kInvalidText, "text is not UTF-8", event);
                if (remaining_ == 0) {
                    if (Result result = finish_frame(event); result != Result::NeedMore)
                        return result;
                }
                break;
            }

            case State::Done:
                break;
        }
    }
    used = size;
    return Result::NeedMore;
}

const char* WsParser::take_opcode(unsigned char byte) {
    fin_ = (byte & 0x80) != 0;
    opcode_ = byte & 0x0f;
    const bool compressed = (byte & kWsCompressed) != 0;
    const bool begins_data = opcode_ == kWsText || opcode_ == kWsBinary;
    if ((byte & 0x30) || (compressed && !(deflate_ && begins_data)))
        return "reserved bit set";
    if (begins_data)
        compressed_ = compressed;

    switch (opcode_) {
        case kWsContinuation:
            return message_opcode_ == 0 ? "continuation of nothing" : nullptr;
        case kWsText:
        case kWsBinary:
            return message_opcode_ != 0 ? "new message inside a fragmented one" : nullptr;
        case kWsClose:
        case kWsPing:
        case kWsPong:
            return fin_ ? nullptr : "fragmented control frame";
        default:
            return "unknown opcode";
    }
}

const char* WsParser::take_length(unsigned char byte) {
    const unsigned length = byte & 0x7f;
    if (!(byte & 0x80))
        return "frame not masked";
    if (is_control() && length > kWsMaxControl)
        return "control frame too long";

    if (length < 126) {
        remaining_ = length;
        field_bytes_ = 4;
        state_ = State::MaskKey;
        return nullptr;
    }
    remaining_ = 0;
    length_bytes_ = field_bytes_ = length == 126 ? 2 : 8;
    state_ = State::ExtendedLength;
    return nullptr;
}

// False where a shorter form would have done, or the top bit of the 64 is set.
bool WsParser::take_extended_length(unsigned char byte) {
    if (length_bytes_ == 8 && field_bytes_ == 8 && (byte & 0x80))
        return false;
    remaining_ = remaining_ << 8 | byte;
    if (--field_bytes_ != 0)
        return true;

    if (remaining_ <= (length_bytes_ == 2 ? 125u : 0xffffu))
        return false;
    field_bytes_ = 4;
    state_ = State::MaskKey;
    return true;
}

// message_length_ never exceeds max_message_, so the subtraction cannot wrap.
bool WsParser::fits() const {
    if (is_control())
        return true;
    const uint64_t before = opcode_ == kWsContinuation ? message_length_ : 0;
    return remaining_ <= max_message_ - before;
}

void WsParser::start_payload() {
    mask_at_ = 0;
    state_ = State::Payload;
    if (is_control()) {
        cut_.reset();
        return;
    }
    if (opcode_ != kWsContinuation) {
        message_opcode_ = opcode_;
        message_length_ = 0;
    }
    message_length_ += remaining_;
}

// False where text stops being UTF-8. A Close's reason is judged as a whole, in `finish_close`.
// What a control frame holds so far is the event's payload.
bool WsParser::take_payload(char* bytes, size_t size, Event& event) {
    mask_at_ = unmask(bytes, size, mask_, mask_at_);
    remaining_ -= size;
    if (is_control()) {
        event.payload = {bytes, size};
        if (remaining_ != 0 || cut_)
            event.payload = join(event.payload);
        return true;
    }
    return message_opcode_ != kWsText || compressed_ ||
           text_.feed(reinterpret_cast<const unsigned char*>(bytes), size);
}

std::string_view WsParser::join(std::string_view part) {
    if (!cut_)
        cut_ = std::make_unique<std::string>();
    return cut_->append(part);
}

WsParser::Result WsParser::finish_frame(Event& event) {
    state_ = State::Opcode;
    const std::string_view control = is_control() ? event.payload : std::string_view();
    event = Event();
    event.opcode = opcode_;
    if (opcode_ == kWsClose)
        return finish_close(control, event);
    if (is_control()) {
        event.payload = control;
        event.length = control.size();
        return opcode_ == kWsPing ? Result::Ping : Result::Pong;
    }

    if (!fin_)
        return Result::NeedMore;
    if (message_opcode_ == kWsText && !compressed_ && !text_.complete())
        return fail(kInvalidText, "text ends inside a character", event);
    event.opcode = message_opcode_;
    event.length = message_length_;
    message_opcode_ = 0;
    return Result::Message;
}

WsParser::Result WsParser::finish_close(std::string_view control, Event& event) {
    event.length = control.size();
    if (control.empty()) {
        state_ = State::Done;
        return Result::Close;
    }
    if (control.size() == 1)
        return fail(kProtocolError, "close code cut short", event);

    const unsigned code =
        static_cast<unsigned char>(control[0]) << 8 | static_cast<unsigned char>(control[1]);
    if (!is_close_code(code))
        return fail(kProtocolError, "invalid close code", event);
    event.code = static_cast<uint16_t>(code);
    event.payload = control.substr(2);
    if (!ring::is_utf8(event.payload))
        return fail(kInvalidText, "close reason is not UTF-8", event);
    state_ = State::Done;
    return Result::Close;
}

WsParser::Result WsParser::fail(uint16_t code, const char* why, Event& event) {
    state_ = State::Done;
    event = Event();
    event.code = code;
    event.payload = why;
    return Result::Error;
}

// --- Frames to the client -----------------------------------------------------------------------

size_t ws_header(char* out, unsigned opcode, uint64_t length) {
    out[0] = static_cast<char>(0x80 | opcode);
    if (length < 126) {
        out[1] = static_cast<char>(length);
        return 2;
    }
    const int bytes = length <= 0xffff ? 2 : 8;
    out[1] = static_cast<char>(bytes == 2 ? 126 : 127);
    for (int i = 0; i < bytes; ++i)
        out[2 + i] = static_cast<char>(length >> 8 * (bytes - 1 - i) & 0xff);
    return static_cast<size_t>(2 + bytes);
}

size_t ws_header_size(std::string_view frame) {
    const auto length = static_cast<unsigned char>(frame[1]);
    return length < 126 ? 2 : length == 126 ? 4 : kWsMaxHeader;
}

namespace {

void append_frame(std::string& out, unsigned opcode, std::string_view payload) {
    char header[kWsMaxHeader];
    out.append(header, ws_header(header, opcode, payload.size())).append(payload);
}

// The longest prefix of at most `limit` bytes that does not end inside a character.
std::string_view cut_at_character(std::string_view text, size_t limit) {
    if (text.size() <= limit)
        return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80)
        --limit;
    return text.substr(0, limit);
}

}  // namespace

void append_ws_text(std::string& out, std::string_view text) {
    append_frame(out, kWsText, text);
}

void append_ws_close(std::string& out, uint16_t code, std::string_view reason) {
    if (code == 0)
        return append_frame(out, kWsClose, {});

    assert(is_close_code(code));
    reason = cut_at_character(reason, kWsMaxControl - 2);
    char header[kWsMaxHeader];
    out.append(header, ws_header(header, kWsClose, reason.size() + 2));
    out.push_back(static_cast<char>(code >> 8));
    out.push_back(static_cast<char>(code & 0xff));
    out.append(reason);
}

void append_ws_ping(std::string& out, std::string_view payload) {
    append_frame(out, kWsPing, payload.substr(0, kWsMaxControl));
}

void append_ws_pong(std::string& out, std::string_view payload) {
    append_frame(out, kWsPong, payload.substr(0, kWsMaxControl));
}

}  // namespace herald
