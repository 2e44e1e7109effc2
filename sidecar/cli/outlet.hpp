// Publishing for commands that are written as straight-line code: the loop turns while they wait.
//
// SIGINT and SIGTERM end every wait. So does the first publish that fails: what comes behind it is
// not to be published without it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sidecar/loop.hpp"
#include "sidecar/redis_publisher.hpp"
#include "sidecar/redis_url.hpp"
#include "sidecar/uv.hpp"

namespace herald::cli {

class Outlet {
  public:
    // `tick` is called every 100 ms while something is waited for; may be empty.
    Outlet(const sidecar::RedisUrl& url, std::function<void()> tick);
    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;

    // What was published, for the message about a failure.
    struct Origin {
        std::string_view file{};  // outlives the outlet
        uint64_t line = 0;
    };

    // All return false once it is over: `signal` or `failure` says why.
    // Takes copies; waits while too much is under way.
    bool publish(std::string_view channel, std::string_view payload, Origin origin);
    bool wait_until(uint64_t due_ns);  // on the clock of uv_hrtime
    bool wait_readable(int fd);
    bool drain();    // until everything is answered
    bool breathe();  // for long work between publishes: waits for nothing

    int signal() const { return signal_; }  // 0: none has come
    const std::string& failure() const { return failure_; }
    const Origin& failed_at() const { return failed_at_; }
    uint64_t sent() const { return sent_; }
    uint64_t unanswered() const { return lost_ + publisher_.under_way(); }

  private:
    void hear(sidecar::RedisPublisher::Outcome outcome, std::string_view why, Origin origin);
    bool going() const { return signal_ == 0 && failure_.empty(); }
    void turn(uv_run_mode mode);

    sidecar::Loop loop_{};
    std::function<void()> tick_;
    sidecar::Handle<uv_signal_t> interrupt_;
    sidecar::Handle<uv_signal_t> terminate_;
    sidecar::Handle<uv_timer_t> beat_;
    sidecar::Handle<uv_timer_t> alarm_;
    sidecar::RedisPublisher publisher_;
    uint64_t turned_ns_ = 0;

    int signal_ = 0;
    std::string failure_{};
    Origin failed_at_{};
    uint64_t sent_ = 0;
    uint64_t lost_ = 0;
};

// Where a command publishes to: `to`, else $REDIS_URL, else the Redis of this machine. Throws
// CLI::ValidationError, whose text says which of them is wrong.
sidecar::RedisUrl redis_target(const std::string& to);

// Throws CLI::ValidationError where events on such a channel would be refused.
void check_channel(const std::string& option, const std::string& channel);

// Ends the process, without the loop's end: a name look-up that hangs in the C library would hold
// that up.
[[noreturn]] void leave(int status);

}  // namespace herald::cli
