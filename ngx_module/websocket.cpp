#include "websocket.hpp"

extern "C" {
#include <ngx_sha1.h>
}

#include "compression_offers.hpp"
#include "delivery.hpp"
#include "headers.hpp"
#include "worker.hpp"

namespace herald {

namespace {

constexpr std::string_view kEnvelopeProtocol = "herald.v1";
// The data alone, as without a subprotocol: a browser that offers its token as one fails unless
// some offer is chosen, and the token never is.
constexpr std::string_view kRawProtocol = "herald.raw";

// RFC 7692, section 7.1: no message refers to another, in either direction. The second is for
// offers that bound the window, which have to be told a bound.
constexpr std::string_view kDeflate =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
constexpr std::string_view kDeflateBounded =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=15";

constexpr size_t kReadBudget = 64 * 1024;  // bytes of one client in one go
constexpr size_t kMaxPongs = 4;  // waiting; more pings than that need no answer (section 5.5.3)

// RFC 6455, section 4.2.2, point 5.4
ngx_str_t accept_key(ngx_pool_t* pool, std::string_view key) {
    constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    u_char digest[20];
    ngx_sha1_t sha1;
    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key.data(), key.size());
    ngx_sha1_update(&sha1, kGuid.data(), kGuid.size());
    ngx_sha1_final(digest, &sha1);

    ngx_str_t plain{sizeof digest, digest};
    ngx_str_t encoded{0, static_cast<u_char*>(ngx_pnalloc(pool, ngx_base64_encoded_length(20)))};
    if (encoded.data != nullptr)
        ngx_encode_base64(&encoded, &plain);
    return encoded;
}

// Takes the first offer of permessage-deflate that can be met; false when memory is out.
bool agree_on_deflate(ngx_http_request_t* r, Encoding& encoding) {
    if (!(location_settings(r)->compress & kCompressDeflate))
        return true;
    auto offer = DeflateOffer::None;
    each_header(r, "Sec-WebSocket-Extensions", [&](std::string_view value) {
        if (offer == DeflateOffer::None)
            offer = find_deflate_offer(value);
    });
    if (offer == DeflateOffer::None)
        return true;
    encoding.compressed = true;
    return add_header(r, "Sec-WebSocket-Extensions",
                      offer == DeflateOffer::Bounded ? kDeflateBounded : kDeflate);
}

// Goes on with what the client has sent; false when nothing more of it counts.
bool take_frames(Subscriber& s, char* bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        WsParser::Event event;
        size_t used = 0;
        const auto result = s.websocket->parser.consume(bytes + at, size - at, used, event);
        at += used;
        // A pong answers our own ping: it shows that the client is there, not that it does
        // anything.
        if (result == WsParser::Result::Ping || result == WsParser::Result::Message)
            s.active_ms = now_ms();
        switch (result) {
            case WsParser::Result::NeedMore:
            case WsParser::Result::Pong:
            case WsParser::Result::Message:
                break;
            case WsParser::Result::Ping:
                if (s.phase != Phase::Ending &&
                    (!s.outbox || s.outbox->pieces.size() < kMaxPongs)) {
                    std::string pong;
                    append_ws_pong(pong, event.payload);
                    s.push(std::move(pong));
                    if (!s.starting)
                        deliver(s);
                }
                break;
            case WsParser::Result::Close:
            case WsParser::Result::Error:
                s.end(CloseReason::Client, event.code,
                      result == WsParser::Result::Error ? event.payload : std::string_view());
                return false;
        }
        if (s.dead)
            return false;
    }
    return true;
}

void read_frames(Subscriber& s) {
    ngx_connection_t* c = s.connection;

    // What came right behind the handshake is in nginx's header buffer, until the stream sleeps.
    ngx_buf_t* early = s.request == nullptr ? nullptr : s.request->header_in;
    if (early != nullptr && early->pos < early->last) {
        auto* bytes = reinterpret_cast<char*>(early->pos);
        const auto size = static_cast<size_t>(early->last - early->pos);
        early->pos = early->last;
        if (!take_frames(s, bytes, size))
            return;
    }

    for (size_t total = 0;;) {
        u_char buffer[4096];
        const ssize_t size = c->recv(c, buffer, sizeof buffer);
        if (size == NGX_AGAIN) {
            if (ngx_handle_read_event(c->read, 0) != NGX_OK)
                give_up(s, CloseReason::Client);
            return;
        }
        if (size <= 0) {
            give_up(s, CloseReason::Client);
            return;
        }
        if (!take_frames(s, reinterpret_cast<char*>(buffer), static_cast<size_t>(size)))
            return;
        total += static_cast<size_t>(size);
        if (total >= kReadBudget) {
            ngx_post_event(c->read, &ngx_posted_next_events);
            return;
        }
    }
}

}  // namespace

void read_websocket(Subscriber& s) {
    if (!s.dead && !s.finishing)
        read_frames(s);
}

bool asks_for_websocket(ngx_http_request_t* r) {
    bool websocket = false, upgrade = false;
    each_header(r, "Upgrade",
                [&](std::string_view value) { websocket |= has_token(value, "websocket"); });
    each_header(r, "Connection",
                [&](std::string_view value) { upgrade |= has_token(value, "upgrade"); });
    return websocket && upgrade && r->http_version == NGX_HTTP_VERSION_11;
}

ngx_int_t accept_websocket(ngx_http_request_t* r, Encoding& encoding, std::string_view& why) {
    std::string_view key;
    int keys = 0;
    each_header(r, "Sec-WebSocket-Key", [&](std::string_view value) {
        key = value;
        ++keys;
    });
    if (keys != 1 || !is_websocket_key(key)) {
        why = "Sec-WebSocket-Key must be there once, as the base64 of 16 bytes";
        return NGX_HTTP_BAD_REQUEST;
    }
    bool version = false;
    each_header(r, "Sec-WebSocket-Version",
                [&](std::string_view value) { version |= value == "13"; });
    if (!version) {
        why = "Sec-WebSocket-Version must be 13";
        r->headers_out.status_line = as_ngx_str("426 Upgrade Required");
        return add_header(r, "Sec-WebSocket-Version", "13") ? 426 : NGX_ERROR;
    }

    bool envelope = false, raw = false;
    each_header(r, "Sec-WebSocket-Protocol", [&](std::string_view value) {
        envelope |= offers(value, kEnvelopeProtocol);
        raw |= offers(value, kRawProtocol);
    });
    encoding.transport = envelope ? Transport::WsEnvelope : Transport::WsText;

    ngx_str_t accept = accept_key(r->pool, key);
    if (accept.data == nullptr || !add_header(r, "Upgrade", "websocket") ||
        !add_header(r, "Sec-WebSocket-Accept", view(accept)) ||
        ((envelope || raw) &&
         !add_header(r, "Sec-WebSocket-Protocol", envelope ? kEnvelopeProtocol : kRawProtocol)))
        return NGX_ERROR;
    if (!agree_on_deflate(r, encoding))
        return NGX_ERROR;
    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    r->headers_out.status_line = as_ngx_str("101 Switching Protocols");
    r->keepalive = 0;
    return NGX_OK;
}

void on_websocket_readable(ngx_http_request_t* r) noexcept {
    guard(r->connection->log, [&] {
        Subscriber* s = subscriber_of(r);
        if (s == nullptr)
            return;
        read_websocket(*s);
        Worker::current()->run_later();
    });
}

}  // namespace herald
