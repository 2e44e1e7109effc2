#include "sidecar/webhooks/health.hpp"

#include <utility>

namespace herald::sidecar {

namespace {

constexpr uint64_t kLagToldMs = 60'000;

}  // namespace

WebhookHealth::WebhookHealth(std::string feed, std::string url, std::string file)
    : name_(std::move(file)), url_(std::move(url)) {
    figures_.feed = std::move(feed);
    figures_.url = url_;
    figures_.file = name_;
}

log::Line WebhookHealth::line(std::string_view message) const {
    return log::Line(message).with("webhook", name_);
}

void WebhookHealth::failed(const Delivery& delivery) {
    {
        const std::lock_guard lock(mutex_);
        ++figures_.failed;
        figures_.error = delivery.error;
        figures_.failing = true;
    }
    if (!std::exchange(failing_, true))
        log::warn(line("webhook fails; its events are sent again")
                      .with("url", url_)
                      .with("error", delivery.error)
                      .with("id", ring::to_string(delivery.id)));
}

void WebhookHealth::delivered(bool recovered) {
    {
        const std::lock_guard lock(mutex_);
        ++figures_.delivered;
        figures_.failing = failing_ && !recovered;
    }
    if (recovered && std::exchange(failing_, false))
        log::info(line("webhook works again").with("url", url_));
}

void WebhookHealth::gave_up(const Delivery& delivery, const std::string& file, uint64_t now_ms) {
    {
        const std::lock_guard lock(mutex_);
        ++figures_.failed;
        ++figures_.dead;
        figures_.error = delivery.error;
    }
    log::Line told = line("webhook gives up an event");
    told.with("id", ring::to_string(delivery.id))
        .with("error", delivery.error)
        .with("attempts", delivery.attempts)
        .with("file", file);
    if (gave_up_.admits(now_ms, told))
        log::error(told);
}

void WebhookHealth::followed(const DeliveryQueue& queue, uint64_t read_seq, bool behind,
                             bool at_end, uint64_t now_ms) {
    if (behind && !lagging_ && now_ms >= told_lag_ms_ + kLagToldMs) {
        lagging_ = true;
        told_lag_ms_ = now_ms;
        log::warn(line("webhook lags: as many events as it may hold wait for their delivery")
                      .with("pending", queue.size())
                      .with("bytes", queue.bytes())
                      .with("seq", read_seq));
    } else if (at_end && std::exchange(lagging_, false)) {
        log::info(line("webhook has caught up").with("seq", read_seq));
    }
    const std::lock_guard lock(mutex_);
    figures_.pending = queue.size();
    figures_.bytes = queue.bytes();
    figures_.read_seq = read_seq;
    figures_.lagging = lagging_;
}

void WebhookHealth::disk_failed(const std::string& error) {
    if (!std::exchange(disk_failing_, true))
        log::error(line("webhook cannot keep its state; it reads no further").with("error", error));
}

void WebhookHealth::disk_worked() {
    if (std::exchange(disk_failing_, false))
        log::info(line("webhook keeps its state again"));
}

WebhookFigures WebhookHealth::figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
}

}  // namespace herald::sidecar
