// What one nginx worker process has of Herald: the ring's reader, the channels, the subscribers,
// the clock.
//
// Everything happens on nginx's event loop, in one thread, and that is the hand-over: a
// subscriber's history is what lies before `cursor`, its live part what comes after. A wake reads
// what is in the ring (up to a budget), encodes it once per lane, and fans it out (up to a budget);
// the rest waits for the next turn of nginx's loop, so that accepts and TLS handshakes are not
// starved.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "asks.hpp"
#include "channel.hpp"
#include "counters.hpp"
#include "fill.hpp"
#include "hibernation.hpp"
#include "sidecar_link.hpp"
#include "subscriber.hpp"
#include "trust.hpp"
#include "wheel.hpp"

namespace herald {

// A notice in the ring that events may have been lost, for replays that cross it.
struct NotedGap {
    uint64_t position;
    uint64_t to_seq;
};

class LaneVisitor;

enum class RedisView { Unknown, Connected, Lost };  // Unknown: no sidecar

class Worker {
  public:
    Worker(ngx_cycle_t* cycle, MainSettings& settings);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // The one of this process; nullptr where Herald is not used or before nginx's loop runs.
    static Worker* current();

    // -- state
    AttachedRing* ring() { return ring_.get(); }  // nullptr: none has come yet
    uint32_t log_name() const { return ring_ ? ring_->header().log : 0; }
    uint64_t last_seq() const { return last_seq_; }
    EventId id_of(uint64_t seq) const { return {log_name(), seq}; }
    RedisView redis() const;
    Asks& asks() { return asks_; }  // open while the sidecar is there
    Trust& trust() { return trust_; }
    Fills& fills() { return fills_; }
    bool is_draining() const { return draining_; }
    uint64_t started_ms() const { return started_ms_; }  // by now_ms()
    const std::deque<NotedGap>& noted_gaps() const { return noted_gaps_; }

    ChannelTable channels;
    WorkerCounters& counters;
    Hibernation hibernation;

    // -- subscribers
    void add(Subscriber& subscriber);     // it is in `subscribers` from here on
    void remove(Subscriber& subscriber);  // and in no list of the worker afterwards
    void wait_for_ring(Subscriber& subscriber);

    // To be finalized, or delivered to, when no loop over subscribers is running any more.
    void finalize_later(Subscriber& subscriber);
    void deliver_later(Subscriber& subscriber);
    void run_later();  // does that; called at the end of every event of ours
    // The same in the next turn: for a content handler, whose request nginx still needs when it
    // returns.
    void run_later_soon();

    // Reads the ring up to `seq`, which some other worker has delivered already.
    void catch_up(uint64_t seq);

    // Calls found(subscriber) for each of them. It may end streams (Subscriber::end) but neither
    // finalize nor add any.
    template <class Found>
    void each_subscriber(Found&& found) {
        for (Subscriber* subscriber = first_; subscriber != nullptr; subscriber = subscriber->next)
            found(*subscriber);
    }

    // Called when something new has come into `trust`; may be empty.
    std::function<void()> trust_changed;

    // -- clock
    void set_timer(Subscriber& subscriber, uint64_t due_ms);
    void cancel_timer(Subscriber& subscriber);

    // nginx is leaving: streams end, spread over their herald_drain.
    void start_drain();

  private:
    static void on_posted(ngx_event_t* event) noexcept;
    static void on_timer(ngx_event_t* event) noexcept;
    static void on_shutdown(ngx_event_t* event) noexcept;

    void attach(std::unique_ptr<AttachedRing> ring);
    void settle_all();
    void restart_seqs(uint64_t base);
    void index_ring(uint64_t last);
    void wake();
    void wake_again();
    bool read_ring();
    void take(const ring::Record& record, ChannelTable::Entry& entry);
    void note_notice(const ring::RecordHeader& header, uint64_t position);
    void tell_notice(const ring::RecordHeader& header);
    void tell_gap(GapReason reason, EventId from, EventId to);
    void report_loss(ring::Poll poll);
    void seal();
    void replay_topic(Topic& topic);
    bool fan_out();
    void finish_batch(LaneVisitor& visitor, size_t topics);
    void open_batch();
    void touch(Topic& topic);
    void arm_timer();
    void arm_timer(uint64_t due);  // milliseconds; no later than that
    void leave_if_drained();
    void schedule_drain(Subscriber& subscriber);

    ngx_log_t* log_;
    std::unique_ptr<AttachedRing> ring_;
    ring::Record record_;
    uint64_t last_seq_ = 0;  // of the newest record read
    std::deque<NotedGap> noted_gaps_;
    Asks asks_;
    Trust trust_;
    Fills fills_;
    SidecarLink link_;

    std::vector<Topic*> dirty_;         // topics with something to fan out
    std::unique_ptr<SendBatch> batch_;  // herald_io_uring; nullptr: every send is a call of its own
    std::vector<Subscriber*> waiting_;
    std::vector<Subscriber*> finalize_;
    std::vector<Subscriber*> deliver_;
    Subscriber* first_ = nullptr;
    size_t count_ = 0;

    Wheel wheel_;
    ngx_event_t timer_{};
    ngx_event_t posted_{};
    ngx_connection_t* shutdown_watch_ = nullptr;
    bool draining_ = false;
    uint64_t started_ms_ = now_ms();
};

}  // namespace herald
