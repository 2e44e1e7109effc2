// Turns messages into records of the ring: decodes, numbers, appends, rings.
//
// Owns the ring. Records are readable at once; the doorbells ring once for all that one turn of
// the loop has read, right after it was read. Nothing waits for more to come.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ring/id.hpp"
#include "ring/writer.hpp"
#include "sidecar/config.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/event.hpp"
#include "sidecar/redis_source.hpp"
#include "sidecar/rejects.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class Publisher final : public RedisSource::Listener {
  public:
    // `log`: the name of this start's log. `past_logs`: earlier ones, newest first. The references
    // outlive the publisher. Throws std::system_error where there is no memory for the ring.
    Publisher(uv_loop_t* loop, const Config& config, uint32_t log, std::vector<uint32_t> past_logs,
              const Doorbells& doorbells);
    ~Publisher();

    int ring_fd() const { return ring_.fd(); }  // owned by the publisher
    uint64_t ring_map_size() const { return ring_.map_size(); }

    void on_connected() override;
    void on_lost() override;
    void on_message(const RawMessage& message) override;

  private:
    void append(ring::NewRecord record);
    void append_notice(ring::Kind kind);
    void reject(Decoder::Result result, const RawMessage& message);
    void print(std::string_view channel, const Event& event) const;
    void ring_doorbells() noexcept;
    void log_rejects() noexcept;
    void count(ring::Counter counter) { add_to(ring_.header().counters[counter]); }
    static void add_to(std::atomic<uint64_t>& counter);

    const std::vector<Feed>& feeds_;
    const Doorbells& doorbells_;
    uint32_t log_;
    ring::Writer ring_;
    Decoder decoder_;
    uint64_t last_seq_ = 0;
    bool redis_lost_ = false;
    bool unheard_ = false;  // something was appended since the doorbells rang
    RejectSummary rejects_{};
    Handle<uv_check_t> turn_end_;
    Handle<uv_timer_t> rejects_timer_;
};

}  // namespace herald::sidecar
