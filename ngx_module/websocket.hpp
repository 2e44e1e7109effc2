// The nginx side of a WebSocket: handshake, and what the client says. The parsing is in ws_frame.
#pragma once

#include "subscriber.hpp"
#include "ws_frame.hpp"

namespace herald {

// RFC 6455, section 7.4.1, and IANA's registry
constexpr uint16_t kWsNormal = 1000;
constexpr uint16_t kWsGoingAway = 1001;
constexpr uint16_t kWsServiceRestart = 1012;
constexpr uint16_t kWsTokenOver = 3000;  // IANA: unauthorized

// Clients have nothing to say but control frames; longer messages than this are 1009.
constexpr size_t kWsMaxMessage = 64 * 1024;

class WebSocket {
  public:
    explicit WebSocket(bool deflate) : parser(kWsMaxMessage, deflate) {}

    WsParser parser;
};

// Whether the request asks for an upgrade to WebSocket at all.
bool asks_for_websocket(ngx_http_request_t* r);

// Judges the handshake (RFC 6455, section 4.2.1) and sets the response's header. NGX_OK with
// `encoding` set; or the status to answer, with `why` (and the headers that go with it) set.
ngx_int_t accept_websocket(ngx_http_request_t* r, Encoding& encoding, std::string_view& why);

// Takes what the client has sent. Finalizes nothing.
void read_websocket(Subscriber& subscriber);

// nginx's read event for a request that is a WebSocket.
void on_websocket_readable(ngx_http_request_t* r) noexcept;

}  // namespace herald
