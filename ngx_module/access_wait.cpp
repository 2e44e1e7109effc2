#include "access_wait.hpp"

#include <algorithm>
#include <list>

#include "worker.hpp"

namespace herald {

namespace {

constexpr uint64_t kGrace = 2000;  // milliseconds after a worker's start

ngx_event_t g_timer{};
uint64_t g_timer_ms = 0;  // when it is due, while it is set

}  // namespace

std::list<AccessWait*> AccessWait::waiting_;

void AccessWait::on_due(ngx_event_t*) noexcept {
    resume_all();
    arm();
}

// For the first of those who wait.
void AccessWait::arm() {
    if (waiting_.empty())
        return;
    g_timer_ms = UINT64_MAX;
    for (const AccessWait* wait : waiting_)
        g_timer_ms = std::min(g_timer_ms, wait->due_ms_);
    g_timer.handler = on_due;
    g_timer.log = ngx_cycle->log;
    const uint64_t now = now_ms();
    ngx_add_timer(&g_timer, g_timer_ms > now ? g_timer_ms - now + 1 : 1);
}

AccessWait::AccessWait(ngx_http_request_t* r)
    : request_(r), place_(waiting_.insert(waiting_.end(), this)) {}

AccessWait::~AccessWait() {
    waiting_.erase(place_);
    if (waiting_.empty() && g_timer.timer_set)
        ngx_del_timer(&g_timer);
}

void AccessWait::expect(uint64_t milliseconds) {
    due_ms_ = now_ms() + milliseconds;
    if (!g_timer.timer_set || due_ms_ < g_timer_ms)
        arm();
}

uint64_t AccessWait::grace_ms() {
    Worker* worker = Worker::current();
    if (worker == nullptr)
        return 0;
    const uint64_t end = worker->started_ms() + kGrace;
    return end > now_ms() ? end - now_ms() : 0;
}

void AccessWait::resume_all() noexcept {
    // Each of them stays on the list until it is judged: a request that ends another takes that
    // off the list before its turn comes.
    for (size_t left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
        waiting_.splice(waiting_.end(), waiting_, waiting_.begin());
        ngx_http_request_t* r = waiting_.back()->request_;
        ngx_connection_t* connection = r->connection;
        if (ngx_http_post_request(r, nullptr) == NGX_OK)
            ngx_http_run_posted_requests(connection);
    }
}

}  // namespace herald
