// The events in their order: numbers them, and makes each batch durable, then visible.
//
//   append ─▶ batch ─commit─▶ journal (one write) ─▶ ring ─▶ doorbells
//
// What a subscriber has seen is therefore in the journal, whatever is killed in between. Where the
// journal cannot be written, events go on to the ring alone, and are written from there as soon as
// there is room; what the ring has lost by then, the journal says with a Gap.
//
// Owns the ring. At its start the ring is filled from the journal's tail, so that workers find in
// it what they found in the last one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ring/reader.hpp"
#include "ring/writer.hpp"
#include "sidecar/config.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/journal.hpp"
#include "sidecar/journal_entry.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class EventLog {
  public:
    // The references outlive it. Throws std::system_error where there is no memory for the ring,
    // or the journal cannot be read.
    EventLog(uv_loop_t* loop, const Config& config, Journal& journal, const Doorbells& doorbells);
    ~EventLog();
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    // Fills the ring from the journal's tail, once, before anything is appended. `seen` is told of
    // each entry, and of those before it in the last `remembered` bytes of the journal. Then says,
    // by a Gap and an Away, what may have been lost since.
    void rebuild(uint64_t remembered, const std::function<void(const JournalEntry&)>& seen);

    // Numbers an entry (its id and time are filled in) and puts it in the batch. Returns its seq.
    // The views need to live only during the call.
    uint64_t append(JournalEntry entry);
    // Writes the batch to the journal, shows it in the ring, and rings. Called at the end of each
    // turn of the loop by itself.
    void commit();

    // Redis is there, or is gone: told to subscribers, with what may be missing. Returns whether it
    // had been lost.
    bool redis_connected();
    void redis_lost();
    bool is_redis_there() const;

    // Called after each commit.
    void on_commit(std::function<void()> callback) { on_commit_ = std::move(callback); }

    ring::EventId id_of(uint64_t seq) const { return {journal_.log(), seq}; }
    // Everything up to this seq is in the journal.
    uint64_t journaled_seq() const { return journal_.written_seq(); }
    bool is_behind() const { return behind_; }  // the journal lacks something that the ring has

    int ring_fd() const { return ring_.fd(); }  // owned by the event log
    uint64_t ring_map_size() const { return ring_.map_size(); }
    void count(ring::Counter counter, uint64_t n = 1);

  private:
    // An entry of the batch; its channel and name are in names_, its data in lines_.
    struct Pending {
        ring::NewRecord record;
        size_t names, channel_length, event_length;
        size_t data, data_length;
    };

    void to_ring(const JournalEntry& entry);
    void show();
    void fall_behind();
    void catch_up();
    bool write_from_ring(size_t budget);
    void count_lost(uint64_t from_seq, uint64_t to_seq);
    void note_journal();
    void wake_readers();
    void note_loss(const JournalEntry& entry);

    Journal& journal_;
    const Doorbells& doorbells_;
    uint64_t tail_start_;
    ring::Writer ring_;
    ring::Mapping mapping_;  // of our own ring, to write from it what the journal lacks
    std::unique_ptr<ring::Reader> unwritten_{};

    uint64_t last_seq_;
    uint64_t lost_seq_ = 0;  // nobody has listened to Redis since this seq; 0: somebody does
    std::vector<Pending> batch_{};
    uint64_t batch_ms_ = 0;  // wall clock when the batch began: all of it has come within one turn
    std::string lines_{};
    std::string names_{};
    bool behind_ = false;
    size_t shown_bytes_ = 0;  // of lines, since what the journal lacks was last written
    uint64_t lost_from_ = 0;  // what was counted last as lost: behind this seq
    uint64_t lost_to_ = 0;    // up to this one
    std::function<void()> on_commit_{};

    Handle<uv_check_t> turn_end_;
    Handle<uv_timer_t> catch_up_;
    Handle<uv_timer_t> wake_;
};

}  // namespace herald::sidecar
