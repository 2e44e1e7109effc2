// herald_fill: an event whose member is null waits for a backend to say what it is, and goes out
// with that. The journal and the ring keep the event as it was published.
//
// A topic whose location has such rules sends its subscribers back into their replays (replay.hpp)
// when such an event comes; there each waits at the event until it is filled, so that what follows
// stays behind it. The backend is asked once per event, URI and worker, by a subrequest of one of
// those who wait; its answer is framed once per encoding, and shared. Should that client leave, or
// be refused, another one's request asks; when ten seconds are over, or the answer is one that more
// asking would not change, the event goes out as it was published.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compression.hpp"
#include "fetch.hpp"

namespace herald {

class Subscriber;

struct FillRule {
    ngx_str_t event;
    ngx_str_t member;
    FetchUri uri;
};

// The rule for an event among `rules` (of FillRule, or nullptr); nullptr where none applies: there
// is none of that name, or its member is not null.
const FillRule* find_fill_rule(const ngx_array_t* rules, std::string_view event,
                               std::string_view data);

struct Fill;

class Fills {
  public:
    explicit Fills(ngx_log_t* log);
    ~Fills();
    Fills(const Fills&) = delete;
    Fills& operator=(const Fills&) = delete;

    // What is to be sent for an event for which `rule` was found, in the subscriber's present
    // encoding. False: there is none yet; the subscriber has to wait with its replay, and is
    // delivered to when it goes on.
    bool fill(Subscriber& subscriber, const FillRule& rule, const OutEvent& event,
              SharedFrame& frame);
    // It does not wait any more: it has left, or goes back to where it was.
    void leave(Subscriber& subscriber);
    // Seqs mean other events from here on. Nobody waits any more.
    void clear();

  private:
    friend struct Fill;

    struct Key {
        uint64_t seq;
        const FillRule* rule;
        std::string uri;
        auto operator<=>(const Key&) const = default;
    };

    static void on_posted(ngx_event_t* event) noexcept;
    static void on_timer(ngx_event_t* event) noexcept;
    Fill& open(Key key, FetchTarget target);
    void await(Fill& fill, Subscriber& subscriber);
    void post(const Fill& fill);
    void run();
    void start(Fill& fill);
    void on_fetched(const Key& key, Fetch& fetch);
    void settle(Fill& fill, std::string value, uint64_t kept_ms);
    void give_up(Fill& fill);
    void wake(Fill& fill);
    void forget(Fill& fill);
    void forget_oldest();

    ngx_log_t* log_;
    std::map<Key, std::unique_ptr<Fill>> fills_;
    std::vector<Key> due_{};      // to be started, or woken, in nginx's next turn
    std::list<Fill*> settled_{};  // oldest first, for those who come late
    size_t kept_bytes_ = 0;       // of their values and frames
    ngx_event_t posted_{};
};

}  // namespace herald
