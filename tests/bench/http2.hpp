// As much of an HTTP/2 client (RFC 9113) as a subscriber needs: a request for each stream, and what
// comes back taken apart into frames. Windows are as large as they may be, so that the client never
// holds a server back. Of a response's header block only the status is looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace herald::bench {

class Http2Connection {
  public:
    enum Type : uint8_t {
        kData = 0,
        kHeaders = 1,
        kResetStream = 3,
        kSettings = 4,
        kPing = 6,
        kGoAway = 7,
        kWindowUpdate = 8
    };
    static constexpr uint8_t kAck = 0x1;     // of SETTINGS and PING
    static constexpr uint8_t kPadded = 0x8;  // of DATA and HEADERS

    struct Frame {
        uint8_t type;
        uint8_t flags;
        uint32_t stream;
        std::string_view payload;  // until the next feed()
    };

    // What a client says first: section 3.4, then SETTINGS, then the connection's window.
    static std::string preface() {
        std::string settings;
        append_setting(settings, kEnablePush, 0);
        append_setting(settings, kInitialWindowSize, kLargestWindow);
        return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, settings) +
               window_update(kLargestWindow - kDefaultWindow);
    }

    // A GET of an event stream. Header fields as RFC 7541, 6.2.2: literal, not indexed, no Huffman.
    static std::string get(uint32_t stream, std::string_view path) {
        std::string block = "\x82\x87";  // :method GET, :scheme https
        append_field(block, "\x04", path);
        append_field(block, "\x01", "bench");                         // :authority
        append_field(block, std::string_view("\x0f\x04", 2), kMime);  // accept
        return frame(kHeaders, kEndStream | kEndHeaders, stream, block);
    }

    // Appends what was read. Frames taken earlier end here.
    void feed(std::string_view bytes) {
        input_.erase(0, at_);
        at_ = 0;
        input_ += bytes;
    }

    // The next complete frame. Throws where the server does what this client cannot read.
    std::optional<Frame> next() {
        if (input_.size() - at_ < kHeadSize) {
            return std::nullopt;
        }
        const char* head = input_.data() + at_;
        const size_t size = big_endian(head, 3);
        if (input_.size() - at_ - kHeadSize < size) {
            return std::nullopt;
        }
        Frame frame{static_cast<uint8_t>(head[3]), static_cast<uint8_t>(head[4]),
                    static_cast<uint32_t>(big_endian(head + 5, 4)) & 0x7fffffffU,
                    std::string_view(input_).substr(at_ + kHeadSize, size)};
        if ((frame.type == kData || frame.type == kHeaders) && (frame.flags & kPadded) != 0) {
            throw std::runtime_error("the server pads its frames");
        }
        at_ += kHeadSize + size;
        return frame;
    }

    // What has to be said in return to a frame; empty when nothing.
    std::string answer(const Frame& frame_in) {
        if (frame_in.type == kData) {
            unacknowledged_ += frame_in.payload.size();
            if (unacknowledged_ < kLargestWindow / 4) {
                return {};
            }
            return window_update(static_cast<uint32_t>(std::exchange(unacknowledged_, 0)));
        }
        if ((frame_in.flags & kAck) != 0) {
            return {};
        }
        if (frame_in.type == kSettings) {
            return frame(kSettings, kAck, 0, {});
        }
        return frame_in.type == kPing ? frame(kPing, kAck, 0, frame_in.payload) : std::string();
    }

    // Whether a header block begins with status 200, as every server's does that indexes it.
    static bool is_ok(const Frame& headers) {
        return !headers.payload.empty() && headers.payload.front() == '\x88';
    }

  private:
    static constexpr size_t kHeadSize = 9;
    static constexpr uint8_t kEndStream = 0x1;
    static constexpr uint8_t kEndHeaders = 0x4;
    static constexpr uint16_t kEnablePush = 2;
    static constexpr uint16_t kInitialWindowSize = 4;
    static constexpr uint32_t kDefaultWindow = 65'535;
    static constexpr uint32_t kLargestWindow = 0x7fffffff;
    static constexpr std::string_view kMime = "text/event-stream";

    static void append_big_endian(std::string& to, uint32_t value, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
            to += static_cast<char>(value >> shift);
        }
    }

    static size_t big_endian(const char* bytes, int size) {
        size_t value = 0;
        for (int i = 0; i < size; ++i) {
            value = value << 8 | static_cast<uint8_t>(bytes[i]);
        }
        return value;
    }

    static std::string frame(uint8_t type, uint8_t flags, uint32_t stream,
                             std::string_view payload) {
        std::string bytes;
        append_big_endian(bytes, static_cast<uint32_t>(payload.size()), 3);
        bytes += static_cast<char>(type);
        bytes += static_cast<char>(flags);
        append_big_endian(bytes, stream, 4);
        return bytes.append(payload);
    }

    static std::string window_update(uint32_t by) {
        std::string payload;
        append_big_endian(payload, by, 4);
        return frame(kWindowUpdate, 0, 0, payload);
    }

    static void append_setting(std::string& to, uint16_t name, uint32_t value) {
        append_big_endian(to, name, 2);
        append_big_endian(to, value, 4);
    }

    static void append_field(std::string& to, std::string_view name, std::string_view value) {
        if (value.size() >= 127) {  // would need a second byte of length
            throw std::runtime_error("a path is too long");
        }
        to += name;
        to += static_cast<char>(value.size());
        to += value;
    }

    std::string input_;
    size_t at_ = 0;  // everything before this has been returned
    size_t unacknowledged_ = 0;
};

}  // namespace herald::bench
