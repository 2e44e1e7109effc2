// herald_fill: an event whose member is null waits for a backend to say what it is, and goes out
// with that. The journal and the ring keep the event as it was published.
//
// A topic whose location has such rules sends its subscribers back into their replays (replay.hpp)
// when such an event comes; there each waits at the event until it is filled, so that what follows
// stays behind it. The backend is asked once per event and worker, by a subrequest of one of those
// who wait. Should that client leave, or be refused, another one's request asks; when ten seconds
// are over the event goes out as it is.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fetch.hpp"

namespace herald {

class Subscriber;
class Worker;

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

    // What is to be sent for an event; `filled` holds it where it is not as published. False: the
    // subscriber has to wait with its replay, and is delivered to when it goes on.
    bool fill(Subscriber& subscriber, const FillRule& rule, uint64_t seq, std::string_view& data,
              std::string& filled);
    // It does not wait any more: it has left, or goes back to where it was.
    void leave(Subscriber& subscriber);
    // Seqs mean other events from here on. Nobody waits any more.
    void clear();

  private:
    friend struct Fill;
    using Key = std::pair<const FillRule*, uint64_t>;

    static void on_posted(ngx_event_t* event) noexcept;
    static void on_timer(ngx_event_t* event) noexcept;
    void run();
    void start(Fill& fill);
    void on_fetched(Key key, Fetch& fetch);
    void settle(Fill& fill, bool filled);
    void wake(Fill& fill);
    void forget_oldest();
    void post();

    ngx_log_t* log_;
    std::map<Key, std::unique_ptr<Fill>> fills_;
    size_t kept_bytes_ = 0;
    ngx_event_t posted_{};
};

}  // namespace herald
