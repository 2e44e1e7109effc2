// A WebSocket client's framing (RFC 6455, section 5): messages out of what a server sends, and
// frames for what it is told.
//
// Pure: it owns no socket. Servers never mask, clients always do. No extension is ever agreed on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace herald::cli {

enum class WsOpcode : uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10
};

class WsReader {
  public:
    static constexpr size_t kMaxMessage = 64 << 20;  // bytes

    explicit WsReader(size_t max_message = kMaxMessage) : max_message_(max_message) {}

    struct Item {
        enum class Kind {
            NeedMore,
            Message,  // text or binary, whole
            TooLong,  // a message above the bound was stepped over
            Ping,
            Pong,
            Close,
            Error,  // the server breaks the protocol: `payload` says how, `code` is to be sent
        } kind = Kind::NeedMore;
        std::string_view payload{};  // lives until the next call; of a Close: the reason
        uint16_t code = 0;           // of a Close: 1005 where it has none
    };

    void feed(std::string_view bytes);
    // The next thing out of what was fed. After Close and Error there is nothing more.
    Item next();

  private:
    struct Header {
        WsOpcode opcode{};
        bool fin = false;
        uint64_t size = 0;
    };
    enum class Head { NeedMore, Whole, Wrong };

    Head read_header();
    const char* check_header(uint8_t first, uint8_t second) const;
    Item take_data();
    Item take_control();
    Item close_item(std::string_view payload);
    Item fail(uint16_t code, std::string_view what);

    const size_t max_message_;
    std::string buffer_{};
    size_t begin_ = 0;  // of what is unread in buffer_

    Header header_{};
    uint64_t left_ = 0;  // of a data frame's payload
    bool in_frame_ = false;

    std::string message_{};
    WsOpcode message_opcode_{};
    bool in_message_ = false;
    bool too_long_ = false;
    std::string control_{};
    std::string error_{};
    bool over_ = false;
};

// One masked frame. `mask` has to be unpredictable (section 10.3).
std::string encode_client_frame(WsOpcode opcode, std::string_view payload, uint32_t mask);

// The payload of a Close.
std::string close_payload(uint16_t code);

}  // namespace herald::cli
