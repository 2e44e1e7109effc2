// A data frame's payload goes into its message as it comes; control frames are at most 125 bytes
// and are waited for.
#include "sidecar/cli/ws_frames.hpp"

#include <algorithm>

#include "ring/utf8.hpp"

namespace herald::cli {

namespace {

constexpr size_t kMaxControl = 125;
constexpr uint16_t kProtocolError = 1002;
constexpr uint16_t kBadData = 1007;
constexpr uint16_t kNoCode = 1005;

bool is_control(WsOpcode opcode) {
    return static_cast<uint8_t>(opcode) >= 8;
}

bool is_utf8(std::string_view text) {
    ring::Utf8 utf8;
    return utf8.feed(reinterpret_cast<const unsigned char*>(text.data()), text.size()) &&
           utf8.complete();
}

uint64_t big_endian(std::string_view bytes) {
    uint64_t value = 0;
    for (const char c : bytes)
        value = value << 8 | static_cast<uint8_t>(c);
    return value;
}

// Section 7.4: what may stand in a Close frame.
bool is_close_code(uint64_t code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code < 5000);
}

}  // namespace

void WsReader::feed(std::string_view bytes) {
    if (over_)
        return;
    buffer_.erase(0, begin_);
    begin_ = 0;
    buffer_.append(bytes);
}

WsReader::Item WsReader::next() {
    while (!over_) {
        if (!in_frame_) {
            const Head head = read_header();
            if (head == Head::NeedMore)
                return {};
            if (head == Head::Wrong)
                return fail(kProtocolError, error_);
        }
        if (is_control(header_.opcode))
            return take_control();
        const Item item = take_data();
        if (item.kind != Item::Kind::NeedMore || in_frame_)
            return item;
    }
    return {};
}

WsReader::Head WsReader::read_header() {
    const std::string_view rest = std::string_view(buffer_).substr(begin_);
    if (rest.size() < 2)
        return Head::NeedMore;
    const auto first = static_cast<uint8_t>(rest[0]);
    const auto second = static_cast<uint8_t>(rest[1]);
    if (const char* problem = check_header(first, second)) {
        error_ = problem;
        return Head::Wrong;
    }
    const size_t length = second & 0x7f;
    const size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (rest.size() < 2 + extra)
        return Head::NeedMore;

    header_ = {static_cast<WsOpcode>(first & 0x0f), (first & 0x80) != 0, length};
    if (extra > 0) {
        header_.size = big_endian(rest.substr(2, extra));
        const bool shortest = extra == 2 ? header_.size > 125 : header_.size > 0xffff;
        if (!shortest || header_.size >> 63 != 0) {
            error_ = "a length that is not in its shortest form";
            return Head::Wrong;
        }
    }
    begin_ += 2 + extra;
    left_ = header_.size;
    in_frame_ = true;
    if (!is_control(header_.opcode) && header_.opcode != WsOpcode::Continuation) {
        message_.clear();
        message_opcode_ = header_.opcode;
        in_message_ = true;
        too_long_ = false;
    }
    return Head::Whole;
}

// What is wrong with a frame's first two bytes; null: nothing.
const char* WsReader::check_header(uint8_t first, uint8_t second) const {
    const auto opcode = static_cast<uint8_t>(first & 0x0f);
    if ((first & 0x70) != 0)
        return "reserved bits without an extension";
    if ((opcode > 2 && opcode < 8) || opcode > 10)
        return "an unknown opcode";
    if ((second & 0x80) != 0)
        return "a masked frame from a server";
    if (opcode >= 8)
        return (first & 0x80) == 0             ? "a control frame in fragments"
               : (second & 0x7f) > kMaxControl ? "a control frame above 125 bytes"
                                               : nullptr;
    if (opcode == 0 && !in_message_)
        return "a continuation of nothing";
    if (opcode != 0 && in_message_)
        return "a message inside of another";
    return nullptr;
}

WsReader::Item WsReader::take_data() {
    const auto size = static_cast<size_t>(std::min<uint64_t>(left_, buffer_.size() - begin_));
    if (size > max_message_ - std::min(max_message_, message_.size()))
        too_long_ = true;
    if (!too_long_)
        message_.append(buffer_, begin_, size);
    begin_ += size;
    left_ -= size;
    if (left_ > 0)
        return {};
    in_frame_ = false;
    if (!header_.fin)
        return {};
    in_message_ = false;
    if (too_long_)
        return {Item::Kind::TooLong, {}, 0};
    if (message_opcode_ == WsOpcode::Text && !is_utf8(message_))
        return fail(kBadData, "a text that is not UTF-8");
    return {Item::Kind::Message, message_, 0};
}

WsReader::Item WsReader::take_control() {
    if (buffer_.size() - begin_ < left_)
        return {};
    control_.assign(buffer_, begin_, static_cast<size_t>(left_));
    begin_ += static_cast<size_t>(left_);
    in_frame_ = false;
    if (header_.opcode == WsOpcode::Close)
        return close_item(control_);
    return {header_.opcode == WsOpcode::Ping ? Item::Kind::Ping : Item::Kind::Pong, control_, 0};
}

WsReader::Item WsReader::close_item(std::string_view payload) {
    if (payload.empty()) {
        over_ = true;
        return {Item::Kind::Close, {}, kNoCode};
    }
    const uint64_t code = payload.size() < 2 ? 0 : big_endian(payload.substr(0, 2));
    if (!is_close_code(code))
        return fail(kProtocolError, "a close without a code that may be sent");
    if (!is_utf8(payload.substr(2)))
        return fail(kBadData, "a close whose reason is not UTF-8");
    over_ = true;
    return {Item::Kind::Close, payload.substr(2), static_cast<uint16_t>(code)};
}

WsReader::Item WsReader::fail(uint16_t code, std::string_view what) {
    over_ = true;
    return {Item::Kind::Error, what, code};
}

std::string encode_client_frame(WsOpcode opcode, std::string_view payload, uint32_t mask) {
    std::string frame;
    frame.reserve(payload.size() + 14);
    const auto put = [&frame](uint64_t value, int bytes) {
        for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
            frame += static_cast<char>(value >> shift & 0xff);
    };
    put(0x80u | static_cast<uint8_t>(opcode), 1);
    if (payload.size() <= 125) {
        put(0x80u | payload.size(), 1);
    } else if (payload.size() <= 0xffff) {
        put(0x80u | 126u, 1);
        put(payload.size(), 2);
    } else {
        put(0x80u | 127u, 1);
        put(payload.size(), 8);
    }
    put(mask, 4);
    for (size_t i = 0; i < payload.size(); ++i)
        frame += static_cast<char>(static_cast<uint8_t>(payload[i]) ^ (mask >> (24 - i % 4 * 8)));
    return frame;
}

std::string close_payload(uint16_t code) {
    return {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
}

}  // namespace herald::cli
