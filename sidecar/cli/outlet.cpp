// Waiting is turning the loop; whatever ends a wait is an event on it.
#include "sidecar/cli/outlet.hpp"

#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "ring/names.hpp"

namespace herald::cli {

namespace {

using sidecar::make_handle;
using sidecar::make_timer;
using sidecar::owner_of;
using sidecar::RedisPublisher;

constexpr uint64_t kBeatMs = 100;
constexpr uint64_t kLongestAlarmMs = 24 * 3600 * 1000;

sidecar::Handle<uv_signal_t> watch(uv_loop_t* loop, int* came, int number) {
    auto handle = make_handle<uv_signal_t>(came, "watch signals", [loop](uv_signal_t* signal) {
        return uv_signal_init(loop, signal);
    });
    uv_signal_start(
        handle.get(),
        [](uv_signal_t* signal, int heard) noexcept { owner_of<int>(signal) = heard; }, number);
    return handle;
}

}  // namespace

Outlet::Outlet(const sidecar::RedisUrl& url, std::function<void()> tick)
    : tick_(std::move(tick)),
      interrupt_(watch(loop_.get(), &signal_, SIGINT)),
      terminate_(watch(loop_.get(), &signal_, SIGTERM)),
      beat_(make_timer(loop_.get(), this)),
      alarm_(make_timer(loop_.get(), this)),
      publisher_(loop_.get(), url) {
    uv_timer_start(
        beat_.get(),
        [](uv_timer_t* timer) noexcept {
            if (const auto& function = owner_of<Outlet>(timer).tick_)
                function();
        },
        kBeatMs, kBeatMs);
}

bool Outlet::publish(std::string_view channel, std::string_view payload, Origin origin) {
    // A connection that broke while nothing was done is heard of before it is used, and the loop's
    // clock is right.
    breathe();
    while (going() && !publisher_.has_room(channel.size() + payload.size()))
        turn(UV_RUN_ONCE);
    if (!going())
        return false;
    publisher_.publish(channel, payload,
                       [this, origin](RedisPublisher::Outcome outcome, std::string_view why) {
                           hear(outcome, why, origin);
                       });
    return true;
}

bool Outlet::wait_until(uint64_t due_ns) {
    while (going()) {
        const uint64_t now = uv_hrtime();
        if (now >= due_ns)
            return true;
        const uint64_t ms = (due_ns - now + 999'999) / 1'000'000;
        uv_update_time(loop_.get());
        uv_timer_start(
            alarm_.get(), [](uv_timer_t*) noexcept {}, std::min(ms, kLongestAlarmMs), 0);
        turn(UV_RUN_ONCE);
    }
    return false;
}

// A loop that watched the descriptor would make it non-blocking for everybody who shares it. A
// signal ends poll() at once, or comes just before it and waits for a beat.
bool Outlet::wait_readable(int fd) {
    for (;;) {
        turn(UV_RUN_NOWAIT);
        if (!going())
            return false;
        pollfd polled{fd, POLLIN, 0};
        if (poll(&polled, 1, kBeatMs) > 0)
            return true;
    }
}

bool Outlet::breathe() {
    if (uv_hrtime() - turned_ns_ > kBeatMs * 1'000'000)
        turn(UV_RUN_NOWAIT);
    return going();
}

bool Outlet::drain() {
    while (going() && publisher_.under_way() > 0)
        turn(UV_RUN_ONCE);
    return going();
}

void Outlet::turn(uv_run_mode mode) {
    uv_run(loop_.get(), mode);
    turned_ns_ = uv_hrtime();
}

void Outlet::hear(RedisPublisher::Outcome outcome, std::string_view why, Origin origin) {
    if (outcome == RedisPublisher::Outcome::Sent) {
        ++sent_;
        return;
    }
    if (outcome == RedisPublisher::Outcome::Lost)
        ++lost_;
    if (!failure_.empty())
        return;
    failure_ = why.empty() ? "out of memory" : why;
    failed_at_ = origin;
}

sidecar::RedisUrl redis_target(const std::string& to) {
    const char* environment = std::getenv("REDIS_URL");
    const bool from_environment = to.empty() && environment != nullptr && *environment != '\0';
    const std::string url = from_environment ? environment
                            : to.empty()     ? "redis://127.0.0.1:6379/0"
                                             : to;
    try {
        return sidecar::parse_redis_url(url);
    } catch (const std::invalid_argument& error) {
        throw CLI::ValidationError((from_environment ? "the environment's REDIS_URL " : "--to ") +
                                   std::string(error.what()));
    }
}

void check_channel(const std::string& option, const std::string& channel) {
    if (!ring::is_channel_name(channel))
        throw CLI::ValidationError(option + " is no channel name: expected 1 to " +
                                   std::to_string(ring::kMaxChannelLength) +
                                   " bytes of UTF-8 without control characters");
}

void leave(int status) {
    std::fflush(nullptr);
    std::_Exit(status);
}

}  // namespace herald::cli
