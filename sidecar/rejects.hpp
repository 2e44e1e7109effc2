// What was rejected since the last summary, so that a flood of bad messages is one line a second.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/event.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

class RejectSummary {
  public:
    // Counts a message that is no event. Its channel may be anything.
    void add(Decoder::Result result, std::string_view channel);

    bool empty() const { return total_ == 0; }

    // Counts by reason and the first channel as an example, never a payload; starts anew.
    log::Line take();

  private:
    static constexpr size_t kResults = static_cast<size_t>(Decoder::Result::Unmatched) + 1;
    std::array<uint64_t, kResults> counts_{};
    uint64_t total_ = 0;
    std::string channel_{};
};

}  // namespace herald::sidecar
