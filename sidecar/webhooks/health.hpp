// How a webhook is doing: told in the log once per change, and to whoever asks, in figures.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "sidecar/log.hpp"
#include "sidecar/webhooks/delivery.hpp"
#include "sidecar/webhooks/delivery_queue.hpp"
#include "sidecar/webhooks/webhook_figures.hpp"

namespace herald::sidecar {

class WebhookHealth {
  public:
    WebhookHealth(std::string feed, std::string url, std::string file);

    // -- on the webhooks' loop; `now_ms`: of a clock that does not jump
    // An attempt has failed, and there will be another.
    void failed(const Delivery& delivery);
    // `recovered`: nothing that was tried in vain is left.
    void delivered(bool recovered);
    void gave_up(const Delivery& delivery, const std::string& file, uint64_t now_ms);
    // `behind`: there is no room for what the journal has.
    void followed(const DeliveryQueue& queue, uint64_t read_seq, bool behind, bool at_end,
                  uint64_t now_ms);
    void disk_failed(const std::string& error);
    void disk_worked();
    bool is_disk_failing() const { return disk_failing_; }

    // -- any thread
    WebhookFigures figures() const;

  private:
    log::Line line(std::string_view message) const;

    const std::string name_;  // of the files, and in the log
    const std::string url_;
    bool failing_ = false;
    bool lagging_ = false;
    bool disk_failing_ = false;
    uint64_t told_lag_ms_ = 0;
    log::Limit gave_up_{1};

    mutable std::mutex mutex_{};
    WebhookFigures figures_{};
};

}  // namespace herald::sidecar
