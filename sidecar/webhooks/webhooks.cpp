#include "sidecar/webhooks/webhooks.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "sidecar/log.hpp"
#include "sidecar/side_thread.hpp"
#include "sidecar/webhooks/webhooks_view.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kListenMs = 1000;
constexpr uint64_t kEndLookMs = 10;
constexpr uint64_t kEndWithinMs = 500;

}  // namespace

bool has_webhooks(const std::vector<Feed>& feeds) {
    return std::any_of(feeds.begin(), feeds.end(),
                       [](const Feed& feed) { return !feed.webhooks.empty(); });
}

Webhooks::Webhooks(const std::vector<Feed>& feeds, Segments& segments,
                   const WebhookSettings& settings)
    : segments_(segments), view_(std::make_unique<WebhooksView>(*this, segments)) {
    if (const int error = uv_loop_init(&loop_); error < 0)
        throw std::system_error(-error, std::generic_category(), "make an event loop");
    long connections = 0;
    for (const Feed& feed : feeds) {
        for (const WebhookConfig& config : feed.webhooks)
            connections += config.concurrency;
    }
    curl_.emplace(&loop_, connections);
    bell_ = make_handle<uv_async_t>(this, "async", [this](uv_async_t* async) {
        return uv_async_init(&loop_, async,
                             [](uv_async_t* rung) noexcept { owner_of<Webhooks>(rung).ring(); });
    });
    end_ = make_timer(&loop_, this);
    for (const Feed& feed : feeds) {
        for (const WebhookConfig& config : feed.webhooks)
            all_.push_back(webhooks_
                               .emplace_back(std::make_unique<Webhook>(&loop_, *curl_, segments,
                                                                       feed, config, settings))
                               .get());
    }
    tell_strangers(settings.directory);

    const SignalsBlocked blocked;
    thread_ = std::thread([this]() noexcept { run(); });
    listener_ = std::thread([this]() noexcept { listen(); });
}

// What waits for a webhook that is no longer configured stays where it is.
void Webhooks::tell_strangers(const std::string& directory) const {
    constexpr std::string_view kSuffix = ".queue";
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator(directory, ignored)) {
        std::string name = file.path().filename().string();
        if (!name.ends_with(kSuffix))
            continue;
        name.resize(name.size() - kSuffix.size());
        const bool known = std::any_of(all_.begin(), all_.end(), [&](const Webhook* webhook) {
            return webhook->name() == name;
        });
        if (!known)
            log::warn(log::Line("webhook queue of no webhook in the configuration is left alone")
                          .with("file", file.path().string()));
    }
}

Webhooks::~Webhooks() {
    deaf_.store(true, std::memory_order_release);
    segments_.wake();
    listener_.join();
    stopping_.store(true, std::memory_order_release);
    uv_async_send(bell_.get());
    thread_.join();
}

uint64_t Webhooks::committed_seq() const {
    uint64_t lowest = UINT64_MAX;
    for (const Webhook* webhook : all_)
        lowest = std::min(lowest, webhook->committed_seq());
    return lowest;
}

std::vector<WebhookFigures> Webhooks::figures() const {
    std::vector<WebhookFigures> figures;
    for (const Webhook* webhook : all_)
        figures.push_back(webhook->figures());
    return figures;
}

void Webhooks::add_to(Views& views) {
    views.add("webhooks", *view_);
}

// Waits for the journal on behalf of the loop, which cannot.
void Webhooks::listen() noexcept {
    begin_side_thread("webhooks-bell", Niceness::Eventually);
    while (!deaf_.load(std::memory_order_acquire)) {
        segments_.wait(kListenMs);
        uv_async_send(bell_.get());
    }
}

void Webhooks::run() noexcept {
    begin_side_thread("webhooks", Niceness::Eventually);
    ring();
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
}

void Webhooks::ring() noexcept {
    if (stopping_.load(std::memory_order_acquire))
        return begin_end();
    for (const auto& webhook : webhooks_)
        webhook->turn();
}

void Webhooks::begin_end() noexcept {
    for (const auto& webhook : webhooks_)
        webhook->stop();
    end_ms_ = uv_now(&loop_) + kEndWithinMs;
    uv_timer_start(
        end_.get(), [](uv_timer_t* timer) noexcept { owner_of<Webhooks>(timer).try_end(); }, 0,
        kEndLookMs);
}

// Without handles the loop ends.
void Webhooks::try_end() noexcept {
    const bool idle = std::all_of(webhooks_.begin(), webhooks_.end(),
                                  [](const auto& webhook) { return webhook->is_idle(); });
    if (!idle && uv_now(&loop_) < end_ms_)
        return;
    webhooks_.clear();
    curl_.reset();
    bell_.reset();
    end_.reset();
}

}  // namespace herald::sidecar
