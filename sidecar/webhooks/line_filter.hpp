// Tells from the head of a journal line that a webhook has no use for it, without parsing the line:
// most lines of a busy journal are for others.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/feed.hpp"
#include "sidecar/webhooks/webhook_config.hpp"

namespace herald::sidecar {

class LineFilter {
  public:
    // Both outlive it.
    LineFilter(const Feed& feed, const WebhookConfig& config);

    // False: the line is an event that is not the feed's, or has no name that is wanted. True: it
    // may be one that is, or is something else.
    bool operator()(std::string_view line) const;

  private:
    const WebhookConfig& config_;
    std::string prefix_{};  // that the feed's channels have in a line; empty: not known
};

}  // namespace herald::sidecar
