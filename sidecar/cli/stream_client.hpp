// Connecting to a stream once, over SSE or WebSocket: from the request until the connection ends.
//
// Whoever listens decides what to do with events, and when to connect again. Both clients show the
// token as `Authorization: Bearer` and never put it into a message.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sidecar/cli/bearer.hpp"
#include "sidecar/cli/endpoint.hpp"
#include "sidecar/cli/outcome.hpp"
#include "sidecar/cli/received.hpp"
#include "sidecar/cli/turns.hpp"

namespace herald::cli {

class Listener {
  public:
    virtual ~Listener() = default;
    // The server has agreed to stream. Events that come now are of this connection.
    virtual void opened() = 0;
    // False: that was the last one. May throw.
    virtual bool hear(const Received& received) = 0;
    // What was there to be read has been read. May throw.
    virtual void batch_end() = 0;
};

// What lasts from one connection to the next.
struct StreamState {
    std::string last_id{};               // where to resume; empty: not known
    std::optional<uint64_t> retry_ms{};  // the server's last `retry:`
};

struct StreamOptions {
    Endpoint endpoint{};
    std::string ca{};  // a PEM file to trust in place of the system's; may be empty
    Bearer bearer;
};

// Both update `state` before the listener hears the event it belongs to, and throw what it throws.
Outcome read_sse(Turns& turns, StreamOptions& options, StreamState& state, Listener& listener);
Outcome read_websocket(Turns& turns, StreamOptions& options, StreamState& state,
                       Listener& listener);

// A handle for options.endpoint with what both have in common. `error` (CURL_ERROR_SIZE bytes) has
// to outlive it.
CurlEasy make_easy(const StreamOptions& options, char* error);

// Of a transfer that did not end with CURLE_OK. `error` as given to make_easy.
Outcome judge_transfer(CURLcode code, const char* error, const StreamOptions& options);

// How long a server may take from the connection's start to the end of its response's header.
inline constexpr uint64_t kAnswerWithinMs = 30'000;

}  // namespace herald::cli
