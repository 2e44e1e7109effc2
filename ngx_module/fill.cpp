#include "fill.hpp"

#include "json_text.hpp"
#include "replay.hpp"
#include "worker.hpp"

namespace herald {

namespace {

constexpr uint64_t kPatience = 10'000;         // milliseconds that an event waits
constexpr uint64_t kRetry = 1000;              // milliseconds between two attempts
constexpr uint64_t kKept = 60'000;             // milliseconds that a value is kept
constexpr uint64_t kFailureKept = 5'000;       // the same for a failure
constexpr size_t kMaxKept = 16 * 1024 * 1024;  // bytes of what is kept

// The event with `value` in place of its null member, as it goes out.
SharedFrame frame_of(const OutEvent& event, const FillRule& rule, std::string_view value,
                     Encoding encoding) {
    const std::string_view null = *json_member(event.data, view(rule.member));
    const auto at = static_cast<size_t>(null.data() - event.data.data());
    std::string data;
    data.reserve(event.data.size() + value.size());
    data.append(event.data, 0, at).append(value).append(event.data.substr(at + null.size()));

    OutEvent filled = event;
    filled.data = data;
    std::string bytes;
    GzipSum text;
    if (encoding.compressed)
        append_compressed_event(bytes, encoding, filled, text);
    else
        append_event(bytes, encoding.transport, encoding.ids, filled);
    if (encoding.chunked)
        bytes = chunk(bytes);
    return {std::make_shared<const std::string>(std::move(bytes)), text};
}

}  // namespace

enum class FillState : uint8_t { Idle, Fetching, Resting, Settled };

struct Fill {
    Fills& owner;
    const Fills::Key key;
    const std::string path, args;
    FillState state = FillState::Idle;
    std::vector<Subscriber*> waiters{};  // their Replay::fill is this, at Replay::fill_place
    Subscriber* fetcher = nullptr;       // of Fetching
    Fetch* fetch = nullptr;              // in its request's pool
    size_t turn = 0;                     // whose it is to ask
    size_t refused = 0;                  // clients in a row that the backend refused
    std::string value{};                 // JSON, of Settled; null: the event goes out as it is
    std::array<SharedFrame, Encoding::kCount> frames{};
    size_t bytes = 0;                    // of `value` and `frames`
    uint64_t deadline_ms = 0;            // to give up; of Settled: to be forgotten
    std::list<Fill*>::iterator place{};  // of Settled
    ngx_event_t timer{};

    Fill(Fills& fills, Fills::Key of, const FetchTarget& target)
        : owner(fills), key(std::move(of)), path(view(target.path)), args(view(target.args)) {}
    ~Fill() {
        if (timer.timer_set)
            ngx_del_timer(&timer);
        drop_fetch();
    }
    Fill(const Fill&) = delete;
    Fill& operator=(const Fill&) = delete;

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

// -- who waits

bool Fills::fill(Subscriber& s, const FillRule& rule, const OutEvent& event, SharedFrame& frame) {
    const Encoding encoding = s.present_encoding();
    FetchTarget target;
    if (evaluate_fetch_uri(s.request, rule.uri, target) != NGX_OK) {
        frame = frame_of(event, rule, "null", encoding);
        return true;
    }
    Key key{event.id->seq, &rule, std::string(view(target.path))};
    key.uri.append("?").append(view(target.args));
    Fill& one = open(std::move(key), target);
    if (one.state != FillState::Settled) {
        await(one, s);
        return false;
    }
    SharedFrame& known = one.frames[encoding.index()];
    if (!known.bytes) {
        known = frame_of(event, rule, one.value, encoding);
        one.bytes += known.bytes->size();
        kept_bytes_ += known.bytes->size();
    }
    frame = known;
    return true;
}

Fill& Fills::open(Key key, FetchTarget target) {
    const auto found = fills_.find(key);
    if (found != fills_.end())
        return *found->second;
    auto made = std::make_unique<Fill>(*this, key, target);
    Fill& one = *made;
    fills_.emplace(std::move(key), std::move(made));
    one.timer.handler = on_timer;
    one.timer.data = &one;
    one.timer.log = log_;
    one.timer.cancelable = 1;
    one.deadline_ms = now_ms() + kPatience;
    one.set_timer(one.deadline_ms);
    return one;
}

void Fills::await(Fill& one, Subscriber& s) {
    one.waiters.push_back(&s);
    s.replay->fill = &one;
    s.replay->fill_place = one.waiters.size() - 1;
    s.replay->waits = true;
    if (one.state == FillState::Idle)
        post(one);
}

void Fills::leave(Subscriber& s) {
    if (!s.replay || s.replay->fill == nullptr)
        return;
    Fill& one = *std::exchange(s.replay->fill, nullptr);
    Subscriber*& place = one.waiters[s.replay->fill_place];
    place = one.waiters.back();
    place->replay->fill_place = s.replay->fill_place;
    one.waiters.pop_back();
    if (one.fetcher == &s) {
        one.drop_fetch();
        one.state = FillState::Idle;
        post(one);
    }
    if (one.waiters.empty() && one.state != FillState::Settled)
        forget(one);
}

void Fills::clear() {
    for (auto& [key, one] : fills_) {
        for (Subscriber* s : one->waiters)
            s->replay->fill = nullptr;
    }
    settled_.clear();
    fills_.clear();
    due_.clear();
    kept_bytes_ = 0;
}

// -- in nginx's next turn: requests are not started, nor streams gone on with, from within a loop
// over subscribers.

void Fills::post(const Fill& one) {
    due_.push_back(one.key);
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
    // A request that is started may end at once, and others with it: each is looked for anew.
    for (const Key& key : std::exchange(due_, {})) {
        const auto found = fills_.find(key);
        if (found == fills_.end())
            continue;
        if (found->second->state == FillState::Settled)
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

// -- asking

void Fills::start(Fill& one) {
    Subscriber* asker = nullptr;
    for (size_t i = 0; i < one.waiters.size() && asker == nullptr; ++i) {
        Subscriber* s = one.waiters[one.turn++ % one.waiters.size()];
        asker = s->dead || s->finishing ? nullptr : s;
    }
    if (asker == nullptr)
        return;  // they are about to leave

    const FetchTarget target{copy_to_pool(asker->request->pool, one.path),
                             copy_to_pool(asker->request->pool, one.args)};
    Fetch* fetch =
        target.path.data == nullptr || target.args.data == nullptr
            ? nullptr
            : Fetch::start(asker->request, target,
                           [this, key = one.key](Fetch& fetched) { on_fetched(key, fetched); });
    if (fetch == nullptr)
        return give_up(one);
    one.state = FillState::Fetching;
    one.fetcher = asker;
    one.fetch = fetch;
    ngx_http_run_posted_requests(asker->connection);
}

// From within nginx's finalizing of the subrequest.
void Fills::on_fetched(const Key& key, Fetch& fetch) {
    const auto found = fills_.find(key);
    if (found == fills_.end() || found->second->fetch != &fetch)
        return;
    Fill& one = *found->second;
    one.fetch = nullptr;
    one.fetcher = nullptr;
    if (fetch.has_json()) {
        settle(one, fetch.json(), kKept);
        fetch.release();
        return;
    }
    if (fetch.status() == NGX_HTTP_OK)
        return give_up(one);  // a body that is none of ours, and stays so
    const bool refused =
        fetch.status() == NGX_HTTP_UNAUTHORIZED || fetch.status() == NGX_HTTP_FORBIDDEN;
    if (refused && ++one.refused < one.waiters.size()) {
        one.state = FillState::Idle;
        return post(one);
    }
    one.refused = 0;
    one.state = FillState::Resting;
    one.set_timer(std::min(one.deadline_ms, now_ms() + kRetry));
}

void Fills::settle(Fill& one, std::string value, uint64_t kept_ms) {
    one.drop_fetch();
    one.state = FillState::Settled;
    one.value = std::move(value);
    one.bytes = one.value.size();
    kept_bytes_ += one.bytes;
    one.place = settled_.insert(settled_.end(), &one);
    one.deadline_ms = now_ms() + kept_ms;
    one.set_timer(one.deadline_ms);
    post(one);
}

void Fills::give_up(Fill& one) {
    ngx_log_error(NGX_LOG_ERR, log_, 0,
                  "herald: an event \"%V\" goes out without its \"%V\": no answer that would fill "
                  "it",
                  &one.key.rule->event, &one.key.rule->member);
    settle(one, "null", kFailureKept);
}

void Fills::on_timer(ngx_event_t* event) noexcept {
    auto& one = *static_cast<Fill*>(event->data);
    Fills& fills = one.owner;
    guard(fills.log_, [&] {
        if (one.state == FillState::Settled) {
            if (one.waiters.empty())
                fills.forget(one);
            else
                one.set_timer(now_ms() + kRetry);
        } else if (now_ms() >= one.deadline_ms) {
            fills.give_up(one);
        } else {
            one.set_timer(one.deadline_ms);
            if (one.state == FillState::Resting) {
                one.state = FillState::Idle;
                fills.post(one);
            }
        }
    });
}

// -- those that are kept for late comers take a bounded amount of memory

void Fills::forget(Fill& one) {
    if (one.state == FillState::Settled) {
        settled_.erase(one.place);
        kept_bytes_ -= one.bytes;
    }
    fills_.erase(fills_.find(one.key));
}

void Fills::forget_oldest() {
    for (auto at = settled_.begin(); at != settled_.end() && kept_bytes_ > kMaxKept;) {
        Fill& one = **at++;
        if (one.waiters.empty())
            forget(one);
    }
}

}  // namespace herald
