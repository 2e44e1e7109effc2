// Events that clients have published through nginx and that wait for their id: sent to Redis, not
// back yet; or back, not in the journal yet.
//
// What comes back is known by its channel and bytes. Two alike that are under way at once are each
// other's: the first to come back answers the first that was sent.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sidecar/event_log.hpp"
#include "sidecar/question_desk.hpp"
#include "sidecar/redis_publisher.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class ClientEvents {
  public:
    // The references outlive it.
    ClientEvents(uv_loop_t* loop, const RedisUrl& redis, EventLog& log);

    // Publishes to Redis. `answered` is called once, later.
    void send(std::string channel, std::string data, EventIntake::Answered answered);

    // A message has come from Redis and is event `seq`, which may be in the journal already.
    void came_back(std::string_view channel, std::string_view payload, uint64_t seq);
    // The same for one that turned out to be no event.
    void turned_down(std::string_view channel, std::string_view payload, std::string_view why);

    // Answers what is in the journal by now. Called after each commit.
    void answer_journaled();

    bool is_waiting() const { return !waiting_.empty(); }

  private:
    struct Waiting {
        uint64_t number;    // of its sending
        uint64_t key;       // of channel and data
        uint64_t sent_ms;   // loop's clock
        uint64_t seq = 0;   // 0: not back yet
        EventIntake::Answered answered;
    };
    using List = std::deque<Waiting>;

    static uint64_t key_of(std::string_view channel, std::string_view payload);
    List::iterator find(uint64_t key);
    void sent(uint64_t number, RedisPublisher::Outcome outcome, std::string_view why);
    void answer(List::iterator waiting, ring::questions::PublishStatus status, uint64_t seq,
                std::string_view text);
    void time_out() noexcept;

    uv_loop_t* loop_;
    EventLog& log_;
    uint64_t last_number_ = 0;
    List waiting_{};  // in the order of their sending
    Handle<uv_timer_t> timer_;
    RedisPublisher redis_;
};

}  // namespace herald::sidecar
