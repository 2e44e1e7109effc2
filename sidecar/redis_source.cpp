// Attempts, handshakes and beats are timers on one loop. Every failure goes through `fail`, which
// starts the next attempt.
#include "sidecar/redis_source.hpp"

#include <utility>

#include "sidecar/backoff.hpp"
#include "sidecar/log.hpp"
#include "sidecar/revocation.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kBeatMs = 2000;       // between two PINGs
constexpr uint64_t kSilenceMs = 6000;    // without a byte: the connection is dead
constexpr uint32_t kSilentBeats = 3;     // and at least so many beats
constexpr uint64_t kHandshakeMs = 5000;  // from the connection to the last confirmation
constexpr uint64_t kLastingMs = 1000;    // a connection that held so long was a good one

}  // namespace

RedisSource::RedisSource(uv_loop_t* loop, RedisUrl url, std::vector<std::string> globs,
                         RedisSource::Listener& listener)
    : loop_(loop),
      url_(std::move(url)),
      globs_(std::move(globs)),
      listener_(listener),
      retry_(make_timer(loop, this)),
      beat_(make_timer(loop, this)),
      random_(std::random_device{}()) {
    uv_timer_start(
        retry_.get(), [](uv_timer_t* timer) noexcept { owner_of<RedisSource>(timer).connect(); }, 0,
        0);
}

void RedisSource::connect() noexcept {
    try {
        RedisSession::Listener& session_listener = *this;
        RedisStream::Listener& stream_listener = *this;
        session_ = std::make_unique<RedisSession>(url_, globs_, session_listener);
        stream_ = std::make_unique<RedisStream>(loop_, url_, stream_listener);
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void RedisSource::on_open() noexcept {
    try {
        stream_->write(session_->greeting());
    } catch (const std::exception& error) {
        return fail(error.what());
    }
    uv_timer_start(
        beat_.get(),
        [](uv_timer_t* timer) noexcept {
            owner_of<RedisSource>(timer).fail("subscriptions not confirmed within 5 s");
        },
        kHandshakeMs, 0);
}

void RedisSource::on_bytes(std::string_view bytes) noexcept {
    heard_at_ = now();
    silent_beats_ = 0;
    try {
        if (const auto failure = session_->feed(bytes))
            fail(*failure);
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void RedisSource::on_closed(const char* reason) noexcept {
    fail(reason);
}

void RedisSource::on_subscribed() {
    connected_at_ = now();
    uv_timer_start(
        beat_.get(), [](uv_timer_t* timer) noexcept { owner_of<RedisSource>(timer).on_beat(); },
        kBeatMs, kBeatMs);
    listener_.on_connected();
    away_ = false;
    last_reason_.clear();
    log::info(
        log::Line("redis connected").with("address", url_.address()).with("feeds", globs_.size()));
}

void RedisSource::on_message(const RawMessage& message) {
    listener_.on_message(message);
}

void RedisSource::on_revoke(std::string_view payload) {
    listener_.on_revoke(payload);
}

void RedisSource::on_revoke_refused(const std::string& reason) {
    log::error(log::Line("revocations cannot be received; let the sidecar's user SUBSCRIBE to them")
                   .with("channel", kRevokeChannel)
                   .with("reason", reason));
}

// Counts beats as well as time: a sidecar that was stopped itself finds much time gone, but has
// not listened to a silence.
void RedisSource::on_beat() noexcept {
    ++silent_beats_;
    if (silent_beats_ >= kSilentBeats && now() - heard_at_ >= kSilenceMs)
        return fail("no answer for 6 s");
    try {
        stream_->write(RedisSession::ping());
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void RedisSource::fail(std::string_view reason) noexcept {
    const bool lasting = session_ && session_->subscribed() && now() - connected_at_ >= kLastingMs;
    const uint32_t failures = lasting || (!away_ && connected_at_ == 0) ? 0 : failures_ + 1;
    failures_ = failures;
    uv_timer_stop(beat_.get());
    uv_timer_start(
        retry_.get(), [](uv_timer_t* timer) noexcept { owner_of<RedisSource>(timer).connect(); },
        retry_delay_ms(failures_, static_cast<uint32_t>(random_())), 0);

    try {
        tell_lost(reason);
    } catch (const std::exception&) {
        // Out of memory: the outage is told with the next failure or not at all.
    }
    // Last, because `reason` may be a text of theirs.
    stream_.reset();
    session_.reset();
    silent_beats_ = 0;
}

void RedisSource::tell_lost(std::string_view reason) {
    if (!away_) {
        away_ = true;
        listener_.on_lost();
    }
    if (reason == last_reason_)
        return;
    last_reason_ = reason;
    const bool had_it = session_ && session_->subscribed();
    log::warn(log::Line(had_it ? "redis lost" : "redis unavailable")
                  .with("address", url_.address())
                  .with("reason", reason));
}

}  // namespace herald::sidecar
