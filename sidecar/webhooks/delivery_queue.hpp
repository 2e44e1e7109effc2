// What one webhook still has to deliver: bounded, in the order of seqs within a channel, in the
// order of time between channels. In memory; knows no clock, no network and no disk.
//
//   add ──▶ waits behind its channel's others ──▶ due ──take──▶ taken ──remove──▶
//                                                  ▲               │
//                                                  └─── retry ─────┘
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "sidecar/feed.hpp"
#include "sidecar/webhooks/delivery.hpp"

namespace herald::sidecar {

class DeliveryQueue {
  public:
    // `max_bytes`: of data, channels and names. One delivery always fits.
    DeliveryQueue(uint64_t max_events, uint64_t max_bytes)
        : max_events_(max_events), max_bytes_(max_bytes) {}

    bool has_room() const { return all_.empty() || !is_full(); }
    size_t size() const { return all_.size(); }
    uint64_t bytes() const { return bytes_; }
    // That wait for another attempt.
    size_t failed() const { return failed_.size(); }

    // Its seq is above all others'. It stays where it is until it is removed.
    Delivery& add(Delivery delivery, uint64_t now_ms);
    // The first one that is due, or nullptr. Its channel's others wait until it is removed.
    Delivery* take(uint64_t now_ms);
    // Of one that was taken: it is due again at `due_ms`.
    void retry(Delivery& delivery, uint64_t due_ms);
    // Of one that was taken.
    void remove(Delivery& delivery, uint64_t now_ms);
    // Those that have failed are due at `due_ms(seq)`, if that is sooner.
    void hurry(const std::function<uint64_t(uint64_t seq)>& due_ms);

    // When the next one is due; nothing where all are taken or wait for others.
    std::optional<uint64_t> next_due_ms() const;

    // In the order of seqs.
    template <class Visit>
    void each(Visit&& visit) {
        for (auto& [seq, delivery] : all_)
            visit(delivery);
    }

  private:
    using Due = std::pair<uint64_t, uint64_t>;  // ms, seq
    bool is_full() const { return all_.size() >= max_events_ || bytes_ >= max_bytes_; }

    const uint64_t max_events_;
    const uint64_t max_bytes_;
    uint64_t bytes_ = 0;
    std::map<uint64_t, Delivery> all_{};  // by seq
    std::unordered_map<std::string, std::deque<uint64_t>, TransparentHash, std::equal_to<>>
        channels_{};                                   // their seqs; the front one is due or taken
    std::set<Due> due_{};                              // the fronts that are not taken
    std::unordered_map<uint64_t, uint64_t> failed_{};  // of them, seq to ms: were taken before
};

}  // namespace herald::sidecar
