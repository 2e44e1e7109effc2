#include "timers.hpp"

#include <algorithm>

#include "delivery.hpp"
#include "identity.hpp"
#include "messages.hpp"
#include "replay.hpp"
#include "websocket.hpp"
#include "worker.hpp"

namespace herald {

namespace {

// When the stream last carried an event, or its client said something.
uint64_t last_active(const Subscriber& s) {
    return s.lane == nullptr ? s.active_ms : std::max(s.active_ms, s.lane->last_event_ms());
}

void beat(Subscriber& s, uint64_t now) {
    const Keepalive& keepalive = *s.settings->keepalive;
    if (keepalive.idle && last_active(s) + keepalive.interval > now) {
        s.beat_ms = last_active(s) + keepalive.interval;
        return;
    }
    s.beat_ms = keepalive.idle ? now + keepalive.interval : s.beat_ms + keepalive.interval;
    if (s.beat_ms <= now)
        s.beat_ms = now + keepalive.interval;  // the worker was away for more than a beat
    if (s.starting || s.has_own_bytes() || s.is_busy())
        return;  // its socket is full: there is more to read than a keepalive
    push_keepalive(s);
    deliver(s);
}

// Half a second around the moment up to which its token is accepted: thousands of streams whose
// tokens end together are not cut in one turn of the loop.
uint64_t expiry_of(const Subscriber& s) {
    const auto until =
        s.identity == nullptr ? std::optional<int64_t>() : s.identity->accepted_until();
    if (!until)
        return 0;
    constexpr int64_t kFar = int64_t{1} << 40;  // seconds: what nobody waits for
    const ngx_time_t& wall = *ngx_timeofday();
    const int64_t left = (std::min(*until, kFar) - wall.sec) * 1000 -
                         static_cast<int64_t>(wall.msec) +
                         static_cast<int64_t>(ngx_random() % 1000) - 500;
    return s.opened_ms + static_cast<uint64_t>(std::max<int64_t>(left, 1));
}

}  // namespace

void start_timers(Subscriber& s) {
    const LocationSettings& settings = *s.settings;
    s.expires_ms = expiry_of(s);
    if (settings.keepalive->interval != 0)
        s.beat_ms = s.opened_ms + settings.keepalive->interval;
    if (settings.lifetime->time != 0) {
        const ngx_msec_t time = settings.lifetime->time;
        const ngx_msec_t early =
            settings.lifetime->jitter ? static_cast<ngx_msec_t>(ngx_random()) % (time / 4 + 1) : 0;
        const uint64_t end = s.opened_ms + time - early;
        s.deadline_ms = s.deadline_ms == 0 ? end : std::min(s.deadline_ms, end);
    }
    reschedule(s);
}

void reschedule(Subscriber& s) {
    uint64_t due = UINT64_MAX;
    if (s.beat_ms != 0)
        due = std::min(due, s.beat_ms);
    if (s.deadline_ms != 0)
        due = std::min(due, s.deadline_ms);
    if (s.expires_ms != 0 && s.phase != Phase::Ending)
        due = std::min(due, s.expires_ms);
    if (s.replay && s.replay->retry_ms != 0)
        due = std::min(due, s.replay->retry_ms);
    if (s.settings->idle_timeout != 0 && s.phase != Phase::Ending)
        due = std::min(due, last_active(s) + s.settings->idle_timeout);

    Worker& worker = *Worker::current();
    if (due == UINT64_MAX)
        worker.cancel_timer(s);
    else
        worker.set_timer(s, due);
}

void on_due(Subscriber& s) {
    const uint64_t now = now_ms();
    if (s.dead || s.finishing)
        return;
    if (s.phase == Phase::Ending) {
        if (now >= s.deadline_ms)
            give_up(s, s.log.reason);
        else
            reschedule(s);
        return;
    }
    if (s.deadline_ms != 0 && now >= s.deadline_ms) {
        if (s.draining)
            s.end(CloseReason::Drain, kWsServiceRestart, "service restart",
                  s.settings->drain->abort);
        else
            s.end(CloseReason::Lifetime, kWsGoingAway, "lifetime is over");
        return;
    }
    if (s.expires_ms != 0 && now >= s.expires_ms) {
        s.end(CloseReason::Expired, kWsTokenOver, "expired");
        return;
    }
    if (s.settings->idle_timeout != 0 && now >= last_active(s) + s.settings->idle_timeout) {
        s.end(CloseReason::Idle, kWsGoingAway, "idle");
        return;
    }
    if (s.replay && s.replay->retry_ms != 0 && now >= s.replay->retry_ms)
        retry_replay(s);
    if (s.beat_ms != 0 && now >= s.beat_ms)
        beat(s, now);
    if (!s.dead)
        reschedule(s);
}

}  // namespace herald
