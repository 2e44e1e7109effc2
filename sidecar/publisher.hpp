// Turns messages from Redis into events: decodes, drops repeats, hands them to the event log.
// What clients publish through nginx goes to Redis first, so that every node sees it, and is
// answered when it has come back and is in the journal.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/client_events.hpp"
#include "sidecar/config.hpp"
#include "sidecar/dedupe.hpp"
#include "sidecar/event.hpp"
#include "sidecar/event_log.hpp"
#include "sidecar/own_events.hpp"
#include "sidecar/question_desk.hpp"
#include "sidecar/redis_source.hpp"
#include "sidecar/rejects.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class Publisher final : public RedisSource::Listener, public EventIntake, public OwnEvents {
  public:
    // The references outlive the publisher.
    Publisher(uv_loop_t* loop, const Config& config, EventLog& log);
    ~Publisher();

    // An event from before the start: its repeats are to be known.
    void remember(const JournalEntry& entry);

    void on_connected() override;
    void on_lost() override;
    void on_message(const RawMessage& message) override;
    void on_revoke(std::string_view payload) override;

    // Who takes what comes on herald:revoke; false: it was none.
    void on_revocation(std::function<bool(std::string_view payload)> revoke) {
        revoke_ = std::move(revoke);
    }

    void publish(std::string channel, std::string data, Answered answered) override;

    bool add_own(std::string_view channel, std::string_view data) override;
    void commit_own() override { log_.commit(); }

  private:
    void reject(Decoder::Result result, const RawMessage& message);
    void print(const Feed& feed, std::string_view channel, const Event& event, uint64_t seq) const;
    void log_rejects() noexcept;
    const Feed* feed_of(std::string_view channel) const;

    const std::vector<Feed>& feeds_;
    EventLog& log_;
    Decoder decoder_;
    std::function<bool(std::string_view)> revoke_{};
    Dedupe dedupe_{};
    ClientEvents client_events_;
    RejectSummary rejects_{};
    Handle<uv_timer_t> rejects_timer_;
};

}  // namespace herald::sidecar
