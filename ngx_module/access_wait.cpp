#include "access_wait.hpp"

#include <algorithm>
#include <vector>

#include "worker.hpp"

namespace herald {

namespace {

constexpr uint64_t kGrace = 2000;  // milliseconds after a worker's start

std::vector<ngx_http_request_t*> g_waiting;
ngx_event_t g_grace_over{};

void on_grace_over(ngx_event_t*) noexcept {
    AccessWait::resume_all();
}

uint64_t grace_left() {
    Worker* worker = Worker::current();
    if (worker == nullptr)
        return 0;
    const uint64_t end = worker->started_ms() + kGrace;
    return end > now_ms() ? end - now_ms() : 0;
}

}  // namespace

AccessWait::AccessWait(ngx_http_request_t* r) : request_(r) {
    g_waiting.push_back(r);
    if (g_grace_over.timer_set)
        return;
    g_grace_over.handler = on_grace_over;
    g_grace_over.log = ngx_cycle->log;
    ngx_add_timer(&g_grace_over, grace_left() + 1);
}

AccessWait::~AccessWait() {
    std::erase(g_waiting, request_);
    if (g_waiting.empty() && g_grace_over.timer_set)
        ngx_del_timer(&g_grace_over);
}

bool AccessWait::is_worth_it() {
    return grace_left() != 0;
}

void AccessWait::resume_all() noexcept {
    // Each of them stays on the list until it is judged: a request that ends another takes that
    // off the list before its turn comes.
    for (size_t left = g_waiting.size(); left > 0 && !g_waiting.empty(); --left) {
        ngx_http_request_t* r = g_waiting.front();
        std::rotate(g_waiting.begin(), g_waiting.begin() + 1, g_waiting.end());
        ngx_connection_t* connection = r->connection;
        if (ngx_http_post_request(r, nullptr) == NGX_OK)
            ngx_http_run_posted_requests(connection);
    }
}

}  // namespace herald
