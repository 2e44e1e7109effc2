// Redis as a source of messages that comes back by itself: connects, subscribes, watches for
// silence, and tries again after every loss.
//
// It says `on_lost` once for each outage, `on_connected` when every pattern is subscribed again,
// and in between hands over each message as it comes. Log entries about Redis are made here.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sidecar/redis_session.hpp"
#include "sidecar/redis_stream.hpp"
#include "sidecar/redis_url.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class RedisSource final : private RedisStream::Listener, private RedisSession::Listener {
  public:
    class Listener {
      public:
        virtual void on_connected() = 0;
        // After a connection is gone, or after the very first attempt has failed.
        virtual void on_lost() = 0;
        virtual void on_message(const RawMessage& message) = 0;
        // Something was published on herald:revoke.
        virtual void on_revoke(std::string_view payload) = 0;

      protected:
        ~Listener() = default;
    };

    // `globs`: what to PSUBSCRIBE. Starts with the loop's next turn.
    RedisSource(uv_loop_t* loop, RedisUrl url, std::vector<std::string> globs,
                RedisSource::Listener& listener);
    ~RedisSource() = default;
    RedisSource(const RedisSource&) = delete;
    RedisSource& operator=(const RedisSource&) = delete;

  private:
    void on_open() noexcept override;
    void on_bytes(std::string_view bytes) noexcept override;
    void on_closed(const char* reason) noexcept override;
    void on_subscribed() override;
    void on_message(const RawMessage& message) override;
    void on_revoke(std::string_view payload) override;
    void on_revoke_refused(const std::string& reason) override;

    void connect() noexcept;
    void on_beat() noexcept;
    void fail(std::string_view reason) noexcept;
    void tell_lost(std::string_view reason);
    uint64_t now() const { return uv_now(loop_); }

    uv_loop_t* loop_;
    RedisUrl url_;
    std::vector<std::string> globs_;
    RedisSource::Listener& listener_;
    Handle<uv_timer_t> retry_;
    Handle<uv_timer_t> beat_;
    std::unique_ptr<RedisSession> session_{};
    std::unique_ptr<RedisStream> stream_{};

    bool away_ = false;          // on_lost was said, on_connected not yet
    std::string last_reason_{};  // of this outage; the same one is not logged again
    uint32_t failures_ = 0;
    uint64_t connected_at_ = 0;  // ms of loop time
    uint64_t heard_at_ = 0;      // ms of loop time
    uint32_t silent_beats_ = 0;  // since the last byte from Redis
    std::minstd_rand random_;
};

}  // namespace herald::sidecar
