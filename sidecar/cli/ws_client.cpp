// One WebSocket connection (RFC 6455): libcurl connects, and is a pipe from then on; handshake and
// frames are our own.
//
// Frames of the subprotocol herald.v1 bring ids and names; a server without it sends data alone,
// and such a stream cannot be resumed. The client pings while it hears nothing: that keeps a server
// from taking it for idle, and finds out about one that is gone.
#include <curl/curl.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "sidecar/cli/envelope.hpp"
#include "sidecar/cli/stream_client.hpp"
#include "sidecar/cli/upgrade.hpp"
#include "sidecar/cli/ws_frames.hpp"

namespace herald::cli {

namespace {

constexpr uint64_t kPingEveryMs = 30'000;
constexpr uint64_t kPongWithinMs = 15'000;
constexpr size_t kMaxHead = 64 * 1024;
constexpr size_t kMaxBody = 4096;
constexpr size_t kMaxQueued = 64 * 1024;
constexpr uint64_t kBodyWithinMs = 2000;
constexpr size_t kReadsPerBatch = 16;
constexpr uint16_t kNormal = 1000;
constexpr uint16_t kProtocolError = 1002;
constexpr uint16_t kNoCode = 1005;

template <class T>
T random_bytes() {
    T bytes{};
    if (getrandom(&bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
        throw std::system_error(errno, std::generic_category(), "getrandom");
    return bytes;
}

Outcome lost(std::string why) {
    return {Outcome::Kind::Lost, std::move(why), {}};
}

class WsConnection {
  public:
    WsConnection(Turns& turns, StreamOptions& options, StreamState& state, Listener& listener)
        : turns_(turns),
          options_(options),
          state_(state),
          listener_(listener),
          easy_(make_easy(options, error_)) {}

    Outcome run();

  private:
    using Ended = std::optional<Outcome>;

    Ended connect();
    Ended shake_hands();
    Ended read_more(std::string& answer, uint64_t until_ms);
    Outcome judge_refusal(const UpgradeResponse& response, std::string body);
    Ended read_batch();
    Ended take_items();
    Ended take_message(std::string_view payload);
    Ended watch_silence();
    Ended send_queued();
    Ended receive(size_t& got);
    void queue(WsOpcode opcode, std::string_view payload);
    Outcome stop();
    void close(uint16_t code);
    bool wait(uint64_t until_ms);

    Turns& turns_;
    StreamOptions& options_;
    StreamState& state_;
    Listener& listener_;
    char error_[CURL_ERROR_SIZE] = "";
    CurlEasy easy_;
    curl_socket_t socket_ = CURL_SOCKET_BAD;

    std::string out_{};  // not sent yet
    std::array<char, 256 * 1024> in_{};
    WsReader reader_{};
    EnvelopeReader envelope_{};
    bool enveloped_ = false;
    bool more_ = false;  // may be there, also where the socket does not say so: TLS has a buffer
    uint64_t heard_ms_ = 0;
    bool pinged_ = false;
};

Outcome WsConnection::run() {
    CURL* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);  // section 4.1
    const Transfer transfer(turns_, easy);
    if (Ended ended = connect())
        return *ended;
    if (Ended ended = shake_hands())
        return *ended;

    listener_.opened();
    heard_ms_ = turns_.now_ms();
    for (;;) {
        Ended ended = read_batch();
        listener_.batch_end();
        if (!ended)
            ended = watch_silence();
        if (ended)
            return *ended;
        const uint64_t patience_ms = pinged_ ? kPingEveryMs + kPongWithinMs : kPingEveryMs;
        if (!wait(more_ ? 0 : heard_ms_ + patience_ms))
            return stop();
    }
}

WsConnection::Ended WsConnection::connect() {
    while (!turns_.result()) {
        if (!turns_.turn(std::nullopt))
            return Outcome{};
    }
    if (*turns_.result() != CURLE_OK)
        return judge_transfer(*turns_.result(), error_, options_);
    curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket_);
    if (socket_ == CURL_SOCKET_BAD)
        return lost("the connection is gone");
    return {};
}

WsConnection::Ended WsConnection::shake_hands() {
    const std::string key = upgrade_key(random_bytes<std::array<uint8_t, 16>>());
    const std::string& target = options_.endpoint.target;
    out_ = upgrade_request(options_.endpoint,
                           state_.last_id.empty() ? target : resumed_target(target, state_.last_id),
                           key, options_.bearer.current());
    const uint64_t answer_by = turns_.now_ms() + kAnswerWithinMs;
    std::string answer;
    size_t end = answer.npos;
    while ((end = answer.find("\r\n\r\n")) == answer.npos) {
        if (answer.size() > kMaxHead)
            return lost("the server's answer is no HTTP");
        if (Ended ended = read_more(answer, answer_by))
            return ended;
    }
    end += 4;
    const UpgradeResponse response = read_upgrade_response(answer.substr(0, end), key);
    answer.erase(0, end);
    if (response.status != 101)
        return judge_refusal(response, answer);
    if (!response.problem.empty())
        return Outcome{
            Outcome::Kind::Refused, "the server is no WebSocket: " + response.problem, {}};
    enveloped_ = response.has_subprotocol;
    reader_.feed(answer);
    return {};
}

// At least one byte, behind `answer`.
WsConnection::Ended WsConnection::read_more(std::string& answer, uint64_t until_ms) {
    for (;;) {
        size_t got = 0;
        if (Ended ended = send_queued())
            return ended;
        if (Ended ended = receive(got))
            return ended;
        answer.append(in_.data(), got);
        if (got > 0)
            return {};
        if (turns_.now_ms() >= until_ms)
            return lost("the server does not answer");
        if (!wait(until_ms))
            return Outcome{};
    }
}

// Reads the body for what it says, unless it is long or late.
Outcome WsConnection::judge_refusal(const UpgradeResponse& response, std::string body) {
    if (response.status == 0)
        return lost("the server's answer is no HTTP");
    const uint64_t body_by = turns_.now_ms() + kBodyWithinMs;
    while (response.body_size <= kMaxBody && body.size() < response.body_size) {
        if (read_more(body, body_by))
            break;
    }
    body.resize(std::min<uint64_t>(body.size(), response.body_size));
    Outcome outcome = judge_status(response.status, options_.bearer.without_token(detail_of(body)));
    if (response.retry_after_s > 0)
        outcome.asked_ms = response.retry_after_s * 1000;
    return outcome;
}

// Everything that is there, but no more than a batch: others want to be told now and then.
WsConnection::Ended WsConnection::read_batch() {
    if (Ended ended = take_items())
        return ended;
    more_ = true;
    for (size_t i = 0; more_ && i < kReadsPerBatch; ++i) {
        size_t got = 0;
        if (Ended ended = receive(got))
            return ended;
        more_ = got > 0;
        if (!more_)
            break;
        heard_ms_ = turns_.now_ms();
        pinged_ = false;
        reader_.feed({in_.data(), got});
        if (Ended ended = take_items())
            return ended;
    }
    return send_queued();
}

WsConnection::Ended WsConnection::take_items() {
    using Kind = WsReader::Item::Kind;
    for (;;) {
        const WsReader::Item item = reader_.next();
        switch (item.kind) {
            case Kind::NeedMore:
                return {};
            case Kind::Message:
                if (Ended ended = take_message(item.payload))
                    return ended;
                break;
            case Kind::TooLong:
                if (!listener_.hear({.too_long = true}))
                    return stop();
                break;
            case Kind::Ping:
                queue(WsOpcode::Pong, item.payload);
                break;
            case Kind::Pong:
                break;
            case Kind::Close:
                close(item.code == kNoCode ? kNormal : item.code);
                return judge_close(item.code,
                                   options_.bearer.without_token(std::string(item.payload)));
            case Kind::Error:
                close(item.code);
                return lost("the server breaks the WebSocket protocol: " +
                            std::string(item.payload));
        }
    }
}

WsConnection::Ended WsConnection::take_message(std::string_view payload) {
    Received received{.data = payload};
    if (enveloped_ && !envelope_.read(payload, received)) {
        close(kProtocolError);
        return lost("the server sends what is not of herald.v1");
    }
    if (!received.id.empty())
        state_.last_id = received.id;
    if (!listener_.hear(received))
        return stop();
    return {};
}

WsConnection::Ended WsConnection::watch_silence() {
    const uint64_t silent_ms = turns_.now_ms() - heard_ms_;
    if (pinged_ && silent_ms >= kPingEveryMs + kPongWithinMs)
        return lost("the server is silent, and answers no ping");
    if (pinged_ || silent_ms < kPingEveryMs)
        return {};
    pinged_ = true;
    queue(WsOpcode::Ping, {});
    return send_queued();
}

void WsConnection::queue(WsOpcode opcode, std::string_view payload) {
    // A server that does not read cannot make us keep its pongs for ever.
    if (out_.size() < kMaxQueued)
        out_ += encode_client_frame(opcode, payload, random_bytes<uint32_t>());
}

Outcome WsConnection::stop() {
    close(kNormal);
    return {};
}

// Says good-bye; whether that arrives is not waited for.
void WsConnection::close(uint16_t code) {
    queue(WsOpcode::Close, close_payload(code));
    send_queued();
}

WsConnection::Ended WsConnection::send_queued() {
    while (!out_.empty()) {
        size_t sent = 0;
        const CURLcode code = curl_easy_send(easy_.get(), out_.data(), out_.size(), &sent);
        if (code == CURLE_AGAIN)
            return {};
        if (code != CURLE_OK)
            return judge_transfer(code, error_, options_);
        out_.erase(0, sent);
    }
    return {};
}

// `got` is 0 where nothing is there yet.
WsConnection::Ended WsConnection::receive(size_t& got) {
    got = 0;
    const CURLcode code = curl_easy_recv(easy_.get(), in_.data(), in_.size(), &got);
    if (code == CURLE_AGAIN)
        return {};
    if (code != CURLE_OK)
        return judge_transfer(code, error_, options_);
    if (got == 0)
        return lost("the server ends the connection");
    return {};
}

bool WsConnection::wait(uint64_t until_ms) {
    const auto events =
        static_cast<short>(CURL_WAIT_POLLIN | (out_.empty() ? 0 : CURL_WAIT_POLLOUT));
    return turns_.turn(until_ms, socket_, events);
}

}  // namespace

Outcome read_websocket(Turns& turns, StreamOptions& options, StreamState& state,
                       Listener& listener) {
    const auto connection = std::make_unique<WsConnection>(turns, options, state, listener);
    return connection->run();
}

}  // namespace herald::cli
