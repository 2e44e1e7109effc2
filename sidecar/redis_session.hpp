// One subscribed connection to Redis, without the connection: bytes in, messages out.
//
// It speaks RESP2 through hiredis's reader. Every failure is final: the caller closes the
// connection and starts a new session on a new one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/redis_protocol.hpp"
#include "sidecar/redis_url.hpp"

namespace herald::sidecar {

// A message as Redis gave it. The views live during the call that hands it over.
struct RawMessage {
    size_t feed;  // index of the pattern that it came for
    std::string_view channel;
    std::string_view payload;
};

class RedisSession {
  public:
    class Listener {
      public:
        // Every pattern is subscribed. Messages may come before and after.
        virtual void on_subscribed() = 0;
        virtual void on_message(const RawMessage& message) = 0;
        // Something was published on herald:revoke, exactly.
        virtual void on_revoke(std::string_view payload) = 0;
        // Redis does not let us hear of it; everything else goes on.
        virtual void on_revoke_refused(const std::string& reason) = 0;

      protected:
        ~Listener() = default;
    };

    // `globs`: what to PSUBSCRIBE, each different. The references outlive the session.
    RedisSession(const RedisUrl& url, const std::vector<std::string>& globs, Listener& listener);
    RedisSession(const RedisSession&) = delete;
    RedisSession& operator=(const RedisSession&) = delete;

    // The first bytes to send: AUTH and SELECT where the URL asks for them, then PSUBSCRIBE, then
    // SUBSCRIBE for revocations.
    std::string greeting() const;

    // To send from time to time, as a sign of life from the other side.
    static std::string ping();

    // Takes bytes from Redis. Returns nothing while all is well, or why the session is over. The
    // text may hold what Redis said, but never the password.
    std::optional<std::string> feed(std::string_view bytes);

    bool subscribed() const { return awaited_ == globs_confirmed_ && revoke_answered_; }

  private:
    std::optional<std::string> take(const RedisReply& reply);
    std::optional<std::string> take_error(const RedisReply& reply);
    std::string refused(const RedisReply& reply) const;

    const RedisUrl& url_;
    Listener& listener_;
    RedisPreamble preamble_;
    std::vector<std::string_view> globs_{};
    std::unordered_map<std::string_view, size_t, TransparentHash> feed_of_{};
    RedisReplies replies_{};
    size_t steps_done_ = 0;  // commands of the preamble that are answered
    size_t globs_confirmed_ = 0;
    size_t awaited_ = 0;  // confirmations
    bool revoke_answered_ = false;
};

}  // namespace herald::sidecar
