#include "fill.hpp"

#include <algorithm>

#include "json_text.hpp"
#include "replay.hpp"
#include "worker.hpp"

namespace herald {

namespace {

constexpr uint64_t kPatience = 10'000;  // milliseconds that an event waits
constexpr uint64_t kRetry = 1000;       // milliseconds between two attempts
constexpr uint64_t kKept = 60'000;      // milliseconds that a value is kept for those who come late
constexpr uint64_t kFailureKept = 5'000;       // the same for a failure
constexpr size_t kMaxKept = 16 * 1024 * 1024;  // bytes of values

}  // namespace

enum class FillState : uint8_t { Idle, Fetching, Resting, Filled, Failed };

struct Fill {
    Fills& owner;
    Fills::Key key;
    FillState state = FillState::Idle;
    std::string value{};                 // JSON; of Filled
    std::vector<Subscriber*> waiters{};  // their Replay::fill is this
    Subscriber* fetcher = nullptr;       // of Fetching
    Fetch* fetch = nullptr;              // in its request's pool
    size_t refused = 0;                  // clients in a row that the backend refused
    uint64_t deadline_ms = 0;            // to give up; once done: to be forgotten
    ngx_event_t timer{};

    Fill(Fills& fills, Fills::Key of) : owner(fills), key(of) {}
    ~Fill() {
        if (timer.timer_set)
            ngx_del_timer(&timer);
        if (fetch != nullptr)
            fetch->forget();
    }
    Fill(const Fill&) = delete;
    Fill& operator=(const Fill&) = delete;

    bool is_done() const { return state == FillState::Filled || state == FillState::Failed; }
    void set_timer(uint64_t due_ms) {
        if (timer.timer_set)
            ngx_del_timer(&timer);
        ngx_add_timer(&timer, due_ms > now_ms() ? due_ms - now_ms() : 1);
    }
    void drop_fetch() {
        if (fetch != nullptr)
            fetch->forget();
        fetch = nullptr;
        fetcher = nullptr;
    }
};

const FillRule* find_fill_rule(const ngx_array_t* rules, std::string_view event,
                               std::string_view data) {
    if (rules == nullptr || event.empty())
        return nullptr;
    const auto* rule = static_cast<const FillRule*>(rules->elts);
    for (ngx_uint_t i = 0; i < rules->nelts; ++i) {
        if (view(rule[i].event) == event && json_member(data, view(rule[i].member)) == "null")
            return &rule[i];
    }
    return nullptr;
}

Fills::Fills(ngx_log_t* log) : log_(log) {
    posted_.handler = on_posted;
    posted_.data = this;
    posted_.log = log;
}

Fills::~Fills() {
    if (posted_.posted) {
        ngx_delete_posted_event(&posted_);
    }
}

bool Fills::fill(Subscriber& s, const FillRule& rule, uint64_t seq, std::string_view& data,
                 std::string& filled) {
    const Key key{&rule, seq};
    std::unique_ptr<Fill>& place = fills_[key];
    if (!place) {
        place = std::make_unique<Fill>(*this, key);
        place->timer.handler = on_timer;
        place->timer.data = place.get();
        place->timer.log = log_;
        place->timer.cancelable = 1;
        place->deadline_ms = now_ms() + kPatience;
        place->set_timer(place->deadline_ms);
    }
    Fill& one = *place;
    if (one.state == FillState::Failed)
        return true;
    if (one.state == FillState::Filled) {
        // Its member is null: find_fill_rule has found it.
        const std::string_view null = *json_member(data, view(rule.member));
        const auto at = static_cast<size_t>(null.data() - data.data());
        filled.reserve(data.size() + one.value.size());
        filled.append(data, 0, at).append(one.value).append(data.substr(at + null.size()));
        data = filled;
        return true;
    }
    one.waiters.push_back(&s);
    s.replay->fill = &one;
    s.replay->waits = true;
    if (one.state == FillState::Idle)
        post();
    return false;
}

void Fills::leave(Subscriber& s) {
    if (!s.replay || s.replay->fill == nullptr)
        return;
    Fill& one = *std::exchange(s.replay->fill, nullptr);
    std::erase(one.waiters, &s);
    if (one.fetcher == &s) {
        one.drop_fetch();
        one.state = FillState::Idle;
        post();
    }
    if (one.waiters.empty() && !one.is_done())
        fills_.erase(Key(one.key));
}

void Fills::clear() {
    for (auto& [key, one] : fills_) {
        for (Subscriber* s : one->waiters)
            s->replay->fill = nullptr;
    }
    fills_.clear();
    kept_bytes_ = 0;
}

// Requests are started, and streams gone on with, from nginx's loop: never from within one over
// subscribers.
void Fills::post() {
    ngx_post_event(&posted_, &ngx_posted_next_events);
}

void Fills::on_posted(ngx_event_t* event) noexcept {
    auto* fills = static_cast<Fills*>(event->data);
    guard(fills->log_, [&] {
        fills->run();
        if (Worker* worker = Worker::current(); worker != nullptr)
            worker->run_later();
    });
}

void Fills::run() {
    std::vector<Key> keys;
    for (auto& [key, one] : fills_) {
        if (!one->waiters.empty() && (one->state == FillState::Idle || one->is_done()))
            keys.push_back(key);
    }
    // A request that is started may end at once, and others with it.
    for (const Key& key : keys) {
        const auto found = fills_.find(key);
        if (found == fills_.end())
            continue;
        if (found->second->is_done())
            wake(*found->second);
        else if (found->second->state == FillState::Idle)
            start(*found->second);
    }
    forget_oldest();
}

void Fills::wake(Fill& one) {
    for (Subscriber* s : std::exchange(one.waiters, {})) {
        s->replay->fill = nullptr;
        s->replay->waits = false;
        Worker::current()->deliver_later(*s);
    }
}

void Fills::start(Fill& one) {
    const auto able = std::find_if(one.waiters.begin(), one.waiters.end(),
                                   [](const Subscriber* s) { return !s->dead && !s->finishing; });
    if (able == one.waiters.end())
        return;  // they are about to leave
    Subscriber& s = **able;
    // The next attempt is another one's.
    std::rotate(able, able + 1, one.waiters.end());

    const Key key = one.key;
    Fetch* fetch = Fetch::start(s.request, key.first->uri,
                                [this, key](Fetch& fetched) { on_fetched(key, fetched); });
    if (fetch == nullptr) {
        settle(one, false);
        return;
    }
    one.state = FillState::Fetching;
    one.fetcher = &s;
    one.fetch = fetch;
    ngx_http_run_posted_requests(s.connection);
}

// From within nginx's finalizing of the subrequest.
void Fills::on_fetched(Key key, Fetch& fetch) {
    const auto found = fills_.find(key);
    if (found == fills_.end() || found->second->fetch != &fetch)
        return;
    Fill& one = *found->second;
    one.fetch = nullptr;
    one.fetcher = nullptr;
    if (fetch.has_json()) {
        one.value = fetch.json();
        fetch.release();
        settle(one, true);
        return;
    }
    const bool refused =
        fetch.status() == NGX_HTTP_UNAUTHORIZED || fetch.status() == NGX_HTTP_FORBIDDEN;
    if (refused && ++one.refused < one.waiters.size()) {
        one.state = FillState::Idle;
        post();
        return;
    }
    one.refused = 0;
    one.state = FillState::Resting;
    one.set_timer(std::min(one.deadline_ms, now_ms() + kRetry));
}

void Fills::settle(Fill& one, bool filled) {
    one.drop_fetch();
    one.state = filled ? FillState::Filled : FillState::Failed;
    kept_bytes_ += one.value.size();
    one.deadline_ms = now_ms() + (filled ? kKept : kFailureKept);
    one.set_timer(one.deadline_ms);
    if (!filled)
        ngx_log_error(NGX_LOG_ERR, log_, 0,
                      "herald: an event \"%V\" goes out without its \"%V\": no answer that would "
                      "fill it within %uL ms",
                      &one.key.first->event, &one.key.first->member, kPatience);
    post();
}

void Fills::on_timer(ngx_event_t* event) noexcept {
    auto& one = *static_cast<Fill*>(event->data);
    Fills& fills = one.owner;
    guard(fills.log_, [&] {
        if (one.is_done()) {
            if (!one.waiters.empty()) {
                one.set_timer(now_ms() + kRetry);
                return;
            }
            fills.kept_bytes_ -= one.value.size();
            fills.fills_.erase(Key(one.key));
        } else if (now_ms() >= one.deadline_ms) {
            fills.settle(one, false);
        } else {
            one.set_timer(one.deadline_ms);
            if (one.state == FillState::Resting) {
                one.state = FillState::Idle;
                fills.post();
            }
        }
    });
}

// Those that are kept for late comers take a bounded amount of memory.
void Fills::forget_oldest() {
    while (kept_bytes_ > kMaxKept) {
        auto oldest = fills_.end();
        for (auto at = fills_.begin(); at != fills_.end(); ++at) {
            const Fill& one = *at->second;
            if (one.state == FillState::Filled && one.waiters.empty() &&
                (oldest == fills_.end() || one.deadline_ms < oldest->second->deadline_ms))
                oldest = at;
        }
        if (oldest == fills_.end())
            return;
        kept_bytes_ -= oldest->second->value.size();
        fills_.erase(oldest);
    }
}

}  // namespace herald
