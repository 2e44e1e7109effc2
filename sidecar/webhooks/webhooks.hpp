// All webhooks, on a thread of their own with a loop of their own: receivers are slow, events are
// not. A second thread waits for the journal to grow and rings that loop.
//
// A webhook is no Projection: it has to be able to leave the journal alone for a day while its
// receiver is away, and to go on at once when a request ends.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sidecar/curl_loop.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/uv.hpp"
#include "sidecar/webhooks/webhook.hpp"

namespace herald::sidecar {

class Views;
class WebhooksView;

class Webhooks {
  public:
    // Starts at once. `feeds` and `segments` outlive this. `settings`: the same for all. Throws
    // std::system_error or std::runtime_error.
    Webhooks(const std::vector<Feed>& feeds, Segments& segments, const WebhookSettings& settings);
    // Waits half a second at most for what is under way; the rest is sent again by the next start.
    ~Webhooks();
    Webhooks(const Webhooks&) = delete;
    Webhooks& operator=(const Webhooks&) = delete;

    // Of the slowest; any thread. The journal may go behind this one.
    uint64_t committed_seq() const;
    // Of each, in the order of the configuration; any thread.
    std::vector<WebhookFigures> figures() const;
    // The view `webhooks` (webhooks_view.hpp), which lives as long as this.
    void add_to(Views& views);

  private:
    void tell_strangers(const std::string& directory) const;
    void run() noexcept;
    void listen() noexcept;
    void ring() noexcept;
    void begin_end() noexcept;
    void try_end() noexcept;

    Segments& segments_;
    uv_loop_t loop_{};
    std::optional<CurlLoop> curl_{};
    std::vector<std::unique_ptr<Webhook>> webhooks_{};
    std::vector<Webhook*> all_{};  // does not change
    std::unique_ptr<WebhooksView> view_;
    Handle<uv_async_t> bell_{};
    Handle<uv_timer_t> end_{};  // looks whether all is idle
    uint64_t end_ms_ = 0;       // when it does so no longer

    std::atomic<bool> deaf_{false};      // `listener_` ends
    std::atomic<bool> stopping_{false};  // `thread_` ends
    std::thread thread_{};
    std::thread listener_{};
};

// Whether a feed has one.
bool has_webhooks(const std::vector<Feed>& feeds);

}  // namespace herald::sidecar
