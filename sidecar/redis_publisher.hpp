// Publishes to Redis from the loop, on a connection of its own: one that subscribes cannot PUBLISH.
//
// It connects with the first publish, keeps the connection, pipelines, and comes back with a
// backoff when there is something to publish again. What has not been written when a connection
// breaks goes out on the next one; what has been written is never written twice. An idle publisher
// costs its connection and nothing else. It logs nothing: every failure is told to whoever
// published.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "sidecar/redis_protocol.hpp"
#include "sidecar/redis_stream.hpp"
#include "sidecar/redis_url.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class RedisPublisher final : private RedisStream::Listener {
  public:
    enum class Outcome {
        Sent,     // Redis has it
        Refused,  // not published: Redis says why, or too much is under way
        Lost,  // no connection, so not published; or no answer, and then nobody can say: see `why`
    };
    // `why`: a clause without secrets, empty for Sent; it lives during the call. Must not throw;
    // may publish, and may destroy the publisher.
    using Done = std::function<void(Outcome outcome, std::string_view why)>;

    static constexpr size_t kMaxUnderWay = 1000;             // publishes
    static constexpr size_t kMaxBytesUnderWay = 64ul << 20;  // of channels and payloads
    static constexpr uint64_t kTimeoutMs = 5000;

    // `timeout_ms`: for a connection to come up, counted from each publish, and for Redis to go on
    // answering.
    RedisPublisher(uv_loop_t* loop, RedisUrl url, uint64_t timeout_ms = kTimeoutMs);
    ~RedisPublisher();  // drops what is under way; no Done is called
    RedisPublisher(const RedisPublisher&) = delete;
    RedisPublisher& operator=(const RedisPublisher&) = delete;

    // Takes copies. Calls `done` exactly once, on the loop, never from within this call. Publishes
    // are sent, and answered, in their order. Throws std::bad_alloc, and has taken nothing then.
    void publish(std::string_view channel, std::string_view payload, Done done);

    // Whether a publish of so many bytes (channel and payload) would be taken now.
    bool has_room(size_t size) const;
    size_t under_way() const { return queued_.size() + written_.size(); }

  private:
    struct Pending {
        size_t size = 0;          // bytes of channel and payload
        size_t command_size = 0;  // bytes in outbox_, while queued
        uint64_t at = 0;          // ms of loop time
        Done done{};
        Outcome outcome = Outcome::Sent;
        std::string why{};
    };
    using Pendings = std::list<Pending>;

    void on_open() noexcept override;
    void on_bytes(std::string_view bytes) noexcept override;
    void on_closed(const char* reason) noexcept override;

    std::optional<std::string> take(const RedisReply& reply);
    void turn() noexcept;
    void connect() noexcept;
    void write_queued() noexcept;
    void expire() noexcept;
    void lose(std::string_view reason) noexcept;
    void finish_front(Pendings& of, Outcome outcome, std::string_view why) noexcept;
    bool deliver() noexcept;
    void schedule() noexcept;

    bool ready() const { return opened_ && steps_done_ == preamble_.commands.size(); }
    bool awaits_answer() const { return opened_ && (!ready() || !written_.empty()); }
    void progress() noexcept;
    uint64_t now() const { return uv_now(loop_); }

    uv_loop_t* loop_;
    const RedisUrl url_;
    const RedisPreamble preamble_;
    const uint64_t timeout_ms_;
    const std::string no_answer_;
    const std::string no_connection_;
    Handle<uv_timer_t> timer_;  // for whatever comes next

    // A publish moves from list to list, which cannot fail.
    Pendings queued_{};
    Pendings written_{};
    Pendings finished_{};   // Done still to be called
    std::string outbox_{};  // the commands of queued_
    size_t bytes_ = 0;      // sum of `size` in queued_ and written_

    std::unique_ptr<RedisReplies> replies_{};
    std::unique_ptr<RedisStream> stream_{};
    bool opened_ = false;
    size_t steps_done_ = 0;      // commands of the preamble that are answered
    uint64_t progress_at_ = 0;   // ms of loop time: Redis answered, or was first asked
    bool overdue_ = false;       // the answer was late a turn ago
    uint64_t retry_at_ = 0;      // ms of loop time; not to connect before
    uint32_t failures_ = 0;      // connections since the last answer to a PUBLISH
    std::string last_reason_{};  // why the last connection ended since the queue was empty
    std::minstd_rand random_;
    bool* destroyed_ = nullptr;  // set while Done is called
};

}  // namespace herald::sidecar
