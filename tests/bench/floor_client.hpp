// The client's side of the floor: what a request asks for, and the bytes of an event on each
// transport.
#pragma once

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace herald::bench {

enum Transport : size_t { kSse, kWebSocket, kTransports };

struct Request {
    uint32_t channel = 0;
    Transport transport = kSse;
    std::string response_head;
};

// RFC 6455, section 4.2.2: what the server proves it has read.
inline std::string websocket_accept(std::string_view key) {
    std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    unsigned char encoded[32];
    int size = EVP_EncodeBlock(encoded, digest, sizeof digest);
    return std::string(reinterpret_cast<char*>(encoded), static_cast<size_t>(size));
}

// The value of a header whose name is given in lower case; empty when it is absent.
inline std::string_view header_value(std::string_view head, std::string_view name) {
    for (size_t line = head.find("\r\n"); line != std::string_view::npos;) {
        line += 2;
        size_t end = head.find("\r\n", line);
        std::string_view field = head.substr(line, end - line);
        size_t colon = field.find(':');
        bool same = colon == name.size();
        for (size_t i = 0; same && i < colon; ++i) {
            same = std::tolower(static_cast<unsigned char>(field[i])) == name[i];
        }
        if (same) {
            size_t value = field.find_first_not_of(' ', colon + 1);
            return value == std::string_view::npos ? std::string_view() : field.substr(value);
        }
        line = end;
    }
    return {};
}

// Reads a request head. The path's last segment is the number of the channel; nothing when it is
// not one.
inline std::optional<Request> parse_request(std::string_view head) {
    std::string_view line = head.substr(0, head.find("\r\n"));
    std::string_view target = line.substr(0, line.rfind(' '));
    size_t slash = target.rfind('/');
    Request request;
    const char* digits_end = target.data() + target.size();
    if (!line.starts_with("GET ") || slash == std::string_view::npos ||
        std::from_chars(target.data() + slash + 1, digits_end, request.channel).ptr != digits_end) {
        return std::nullopt;
    }

    std::string_view key = header_value(head, "sec-websocket-key");
    if (!key.empty()) {
        request.transport = kWebSocket;
        request.response_head =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: " +
            websocket_accept(key) + "\r\n\r\n";
    } else {
        request.response_head =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
    }
    return request;
}

// The bytes that one send carries: any number of events, on SSE together in one chunk.
class Batch {
  public:
    bool empty() const { return bytes_.empty(); }

    void add(Transport transport, std::string_view data) {
        if (transport == kSse) {
            if (empty()) {
                bytes_.assign(kChunkHead, '0');
            }
            bytes_.append("data: ").append(data).append("\n\n");
            return;
        }
        bytes_ += '\x81';  // FIN, text
        if (data.size() < 126) {
            bytes_ += static_cast<char>(data.size());
        } else {
            bytes_ += '\x7e';  // 16-bit length: floors are not fed more
            bytes_ += static_cast<char>(data.size() >> 8);
            bytes_ += static_cast<char>(data.size());
        }
        bytes_ += data;
    }

    // Completes the batch; it is valid until clear().
    std::string_view finish(Transport transport) {
        if (transport == kSse) {
            char size[kChunkHead + 1];
            std::snprintf(size, sizeof size, "%08zx\r\n", bytes_.size() - kChunkHead);
            bytes_.replace(0, kChunkHead, size);
            bytes_ += "\r\n";
        }
        return bytes_;
    }

    void clear() { bytes_.clear(); }

  private:
    static constexpr size_t kChunkHead = 10;  // eight hex digits, CR, LF
    std::string bytes_;
};

}  // namespace herald::bench
