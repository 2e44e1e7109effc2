#include "worker.hpp"

#include <sys/eventfd.h>

#include <algorithm>

#include "delivery.hpp"
#include "timers.hpp"

namespace herald {

namespace {

Worker* g_worker = nullptr;

uint64_t random_below(uint64_t bound) {
    return bound == 0 ? 0 : static_cast<uint64_t>(ngx_random()) % bound;
}

// Milliseconds. nginx cuts what is still open at worker_shutdown_timeout, so the drain is over well
// before.
uint64_t drain_time(const LocationSettings& settings) {
    auto* core =
        reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(ngx_cycle->conf_ctx, ngx_core_module));
    const ngx_msec_t limit = core->shutdown_timeout;
    return limit == 0 ? settings.drain->time : std::min(settings.drain->time, limit / 4 * 3);
}

std::vector<std::string> key_sources(const MainSettings& settings) {
    std::vector<std::string> sources;
    if (settings.key_sources == nullptr)
        return sources;
    const auto* source = static_cast<const ngx_str_t*>(settings.key_sources->elts);
    for (ngx_uint_t i = 0; i < settings.key_sources->nelts; ++i)
        sources.emplace_back(view(source[i]));
    return sources;
}

WorkerCounters& counters_for(MainSettings& settings) {
    static WorkerCounters unshared{};  // a configuration without the zone cannot have streams
    CounterZone* zone = counters_of(settings.zone);
    return zone == nullptr ? unshared : *claim_counters(*zone);
}

}  // namespace

Worker* Worker::current() {
    return g_worker;
}

Worker::Worker(ngx_cycle_t* cycle, MainSettings& settings)
    : counters(counters_for(settings)),
      hibernation(cycle->log),
      log_(cycle->log),
      asks_([this](std::string frames) { link_.send(std::move(frames)); }),
      trust_(key_sources(settings), [this](std::string frames) { link_.send(std::move(frames)); }),
      fills_(cycle->log),
      link_(cycle->log, settings.socket_path,
            {[this](std::unique_ptr<AttachedRing> ring) {
                 asks_.open();
                 trust_.open();
                 attach(std::move(ring));
             },
             [this] {
                 counters.attached.store(0, std::memory_order_relaxed);
                 asks_.close();
                 trust_.close();
                 wake();  // to the ring's end: its last records may have come without a doorbell
             },
             [this] { wake(); }, [this](std::string_view payload) { return asks_.take(payload); },
             [this](std::string_view payload) {
                 const bool taken = trust_.take(payload);
                 if (taken && trust_changed)
                     trust_changed();
                 return taken;
             }}) {
    timer_.handler = on_timer;
    timer_.data = this;
    timer_.log = log_;
    timer_.cancelable = 1;
    posted_.handler = on_posted;
    posted_.data = this;
    posted_.log = log_;
    wheel_.start(now_ms());

    // nginx tells idle connections when it shuts down (ngx_close_idle_connections), and only them.
    // This one is nothing but that: its descriptor is never polled.
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    shutdown_watch_ = fd < 0 ? nullptr : ngx_get_connection(fd, log_);
    if (shutdown_watch_ != nullptr) {
        shutdown_watch_->data = this;
        shutdown_watch_->read->handler = on_shutdown;
        shutdown_watch_->read->log = log_;
        shutdown_watch_->write->log = log_;
        shutdown_watch_->idle = 1;
    } else if (fd >= 0) {
        close(fd);
    }

    if (settings.io_uring)
        open_batch();
    Lane::show_held_bytes(&counters.held_bytes);
    g_worker = this;
    link_.connect();
}

Worker::~Worker() {
    g_worker = nullptr;
    Lane::show_held_bytes(nullptr);
    if (timer_.timer_set)
        ngx_del_timer(&timer_);
    if (posted_.posted) {
        ngx_delete_posted_event(&posted_);
    }
    if (shutdown_watch_ != nullptr)
        ngx_close_connection(shutdown_watch_);
    release_counters(counters);
}

RedisView Worker::redis() const {
    if (!ring_ || !link_.is_attached())
        return RedisView::Unknown;
    return ring_->header().redis.load(std::memory_order_relaxed) == ring::RedisState::Connected
               ? RedisView::Connected
               : RedisView::Lost;
}

// -- subscribers

void Worker::add(Subscriber& subscriber) {
    subscriber.next = first_;
    if (first_ != nullptr)
        first_->previous = &subscriber;
    first_ = &subscriber;
    ++count_;
    herald::add(subscriber.is_websocket() ? counters.websocket : counters.sse);
    herald::add(counters.opened);
    if (draining_)
        schedule_drain(subscriber);
}

void Worker::remove(Subscriber& subscriber) {
    (subscriber.previous != nullptr ? subscriber.previous->next : first_) = subscriber.next;
    if (subscriber.next != nullptr)
        subscriber.next->previous = subscriber.previous;
    --count_;
    cancel_timer(subscriber);
    if (subscriber.queued) {
        for (auto* list : {&waiting_, &finalize_, &deliver_})
            std::replace(list->begin(), list->end(), &subscriber,
                         static_cast<Subscriber*>(nullptr));
        std::erase(waiting_, nullptr);
    }
    hibernation.forget(subscriber);
    leave_if_drained();
    subtract(subscriber.is_websocket() ? counters.websocket : counters.sse);
    herald::add(counters.closed[static_cast<size_t>(subscriber.log.reason)]);
}

void Worker::wait_for_ring(Subscriber& subscriber) {
    if (subscriber.waiting_since_ms == 0) {
        const ngx_time_t& now = *ngx_timeofday();
        subscriber.waiting_since_ms = static_cast<uint64_t>(now.sec) * 1000 + now.msec;
    }
    subscriber.queued = true;
    waiting_.push_back(&subscriber);
}

void Worker::finalize_later(Subscriber& subscriber) {
    subscriber.queued = true;
    finalize_.push_back(&subscriber);
}

void Worker::deliver_later(Subscriber& subscriber) {
    subscriber.queued = true;
    deliver_.push_back(&subscriber);
    wake_again();
}

void Worker::run_later() {
    for (Subscriber* subscriber : std::exchange(deliver_, {})) {
        if (subscriber == nullptr)
            continue;
        subscriber->queued = false;
        deliver(*subscriber);
    }
    // Finalizing one request may put others on the list.
    while (!finalize_.empty()) {
        Subscriber* subscriber = finalize_.back();
        finalize_.pop_back();
        if (subscriber != nullptr)
            finalize(*subscriber);
    }
}

void Worker::run_later_soon() {
    if (!finalize_.empty() || !deliver_.empty())
        wake_again();
}

// -- clock

void Worker::set_timer(Subscriber& subscriber, uint64_t due_ms) {
    wheel_.set(subscriber.timer, due_ms);
    arm_timer(Wheel::due_ms(subscriber.timer));
}

void Worker::cancel_timer(Subscriber& subscriber) {
    wheel_.cancel(subscriber.timer);
}

void Worker::arm_timer() {
    if (!wheel_.empty())
        arm_timer(wheel_.next_due());
}

// To look for what is due next is a walk through the wheel, which no stream's opening is to pay
// for: what was set is later than what the timer is set to, or the next one.
void Worker::arm_timer(uint64_t due) {
    const uint64_t now = now_ms();
    const ngx_msec_t delay = due > now ? due - now : 1;
    if (timer_.timer_set) {
        if (timer_.timer.key <= now + delay)
            return;
        ngx_del_timer(&timer_);  // nginx would keep the old time if it is close
    }
    ngx_add_timer(&timer_, delay);
}

void Worker::on_timer(ngx_event_t* event) noexcept {
    auto* worker = static_cast<Worker*>(event->data);
    guard(worker->log_, [&] {
        worker->wheel_.advance(
            now_ms(), [](Wheel::Node& node) { on_due(*static_cast<Subscriber*>(node.owner)); });
        worker->run_later();
        worker->arm_timer();
    });
}

void Worker::on_shutdown(ngx_event_t* event) noexcept {
    auto* connection = static_cast<ngx_connection_t*>(event->data);
    auto* worker = static_cast<Worker*>(connection->data);
    guard(worker->log_, [&] { worker->start_drain(); });
}

void Worker::start_drain() {
    if (draining_)
        return;
    draining_ = true;
    if (shutdown_watch_ != nullptr)
        shutdown_watch_->idle = 0;
    // From here on the timer keeps the process alive until the last stream has ended.
    timer_.cancelable = 0;
    for (Subscriber* subscriber = first_; subscriber != nullptr; subscriber = subscriber->next)
        schedule_drain(*subscriber);
    arm_timer();
    leave_if_drained();
}

// nginx waits for a timer that is not cancelable: there is none once nothing has to end any more.
void Worker::leave_if_drained() {
    if (draining_ && wheel_.empty() && timer_.timer_set)
        ngx_del_timer(&timer_);
}

void Worker::schedule_drain(Subscriber& subscriber) {
    if (subscriber.phase == Phase::Ending || subscriber.dead)
        return;
    subscriber.draining = true;
    const uint64_t due = now_ms() + random_below(drain_time(*subscriber.settings));
    if (subscriber.deadline_ms == 0 || due < subscriber.deadline_ms) {
        subscriber.deadline_ms = due;
        reschedule(subscriber);
    }
}

}  // namespace herald
