// Which segments may go: the oldest ones beyond an age or a total size.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "sidecar/config.hpp"
#include "sidecar/segments.hpp"

namespace herald::sidecar {

class Retention {
  public:
    explicit Retention(const JournalConfig& config) : config_(config) {}

    // As Journal::prune.
    void prune(Segments& segments, uint64_t now_ms, uint64_t applied_seq, uint64_t steady_ms);

  private:
    // Of a segment that is no longer written to; it stays like that.
    struct Facts {
        uint64_t size = 0;  // bytes
        uint64_t last_at_ms = 0;
        bool has_time = false;                    // last_at_ms was read
        std::optional<uint64_t> too_old_since{};  // steady_ms; without a break
    };

    const Facts& facts_of(const Segment& segment);
    uint64_t ended_ms(const Segments::View& view, size_t index, uint64_t now_ms);
    size_t count_expired(const Segments::View& view, uint64_t now_ms, uint64_t steady_ms);
    bool remove(const Segment& segment);

    JournalConfig config_;
    std::map<uint64_t, Facts> facts_{};  // by first seq
    bool told_ = false;                  // that a segment cannot be removed
};

}  // namespace herald::sidecar
