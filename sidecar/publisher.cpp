#include "sidecar/publisher.hpp"

#include <utility>

#include "sidecar/json_scan.hpp"
#include "sidecar/log.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

using ring::questions::PublishStatus;

namespace {

constexpr uint64_t kRejectsEveryMs = 1000;

// For whoever has sent it.
std::string_view explain(Decoder::Result result) {
    switch (result) {
        case Decoder::Result::Empty:
            return "The body is empty: expected one JSON value";
        case Decoder::Result::TooLarge:
            return "The body is larger than [ring] max_message allows";
        case Decoder::Result::NotUtf8:
            return "The body is not UTF-8";
        case Decoder::Result::NotJson:
            return "The body is not one JSON value";
        case Decoder::Result::Event:
        case Decoder::Result::BadChannel:
        case Decoder::Result::Unmatched:
            break;
    }
    return "No feed claims this channel";
}

PublishStatus status_of(Decoder::Result result) {
    switch (result) {
        case Decoder::Result::TooLarge:
            return PublishStatus::TooLarge;
        case Decoder::Result::BadChannel:
        case Decoder::Result::Unmatched:
            return PublishStatus::NoFeed;
        default:
            return PublishStatus::Malformed;
    }
}

}  // namespace

Publisher::Publisher(uv_loop_t* loop, const Config& config, EventLog& log)
    : feeds_(config.feeds),
      log_(log),
      decoder_(config.max_message),
      client_events_(loop, config.redis, log),
      rejects_timer_(make_timer(loop, this)) {
    log_.on_commit([this] {
        if (client_events_.is_waiting())
            client_events_.answer_journaled();
    });
}

Publisher::~Publisher() {
    log_.on_commit(nullptr);
    log_rejects();
}

// -- from Redis

void Publisher::on_message(const RawMessage& message) {
    const Feed& feed = feeds_[message.feed];
    Event event;
    const auto result = decoder_.decode(feed, message.channel, message.payload, event);
    if (result != Decoder::Result::Event)
        return reject(result, message);

    log_.count(ring::kReceived);
    const uint64_t now = event.dedupe_value.empty() ? 0 : wall_clock_ms();
    if (!event.dedupe_value.empty()) {
        if (const auto earlier = dedupe_.find(message.channel, event.dedupe_value, now)) {
            log_.count(ring::kDuplicates);
            return client_events_.came_back(message.channel, message.payload, *earlier);
        }
    }

    JournalEntry entry;
    entry.ends = event.ends;
    entry.channel = message.channel;
    entry.event = event.name;
    entry.data = event.data;
    const uint64_t seq = log_.append(entry);
    if (!event.dedupe_value.empty())
        dedupe_.add(message.channel, event.dedupe_value, seq, now);
    log_.count(ring::kPublished);
    if (event.unfit_name)
        log_.count(ring::kUnnamed);
    if (feed.log)
        print(feed, message.channel, event, seq);
    client_events_.came_back(message.channel, message.payload, seq);
}

// No event: it is counted only where it is rejected, as no revocation.
void Publisher::on_revoke(std::string_view payload) {
    if (revoke_ && revoke_(payload))
        return;
    log_.count(ring::kReceived);
    log_.count(ring::kRejectedJson);
}

void Publisher::remember(const JournalEntry& entry) {
    const Feed* feed = entry.kind == ring::Kind::Event ? feed_of(entry.channel) : nullptr;
    if (feed == nullptr || feed->dedupe.empty())
        return;
    Event event;
    if (decoder_.decode(*feed, entry.channel, entry.data, event) == Decoder::Result::Event &&
        !event.dedupe_value.empty())
        dedupe_.add(entry.channel, event.dedupe_value, entry.id.seq, entry.at_ms);
}

const Feed* Publisher::feed_of(std::string_view channel) const {
    for (const Feed& feed : feeds_) {
        if (feed.channels.matches(channel))
            return &feed;
    }
    return nullptr;
}

void Publisher::reject(Decoder::Result result, const RawMessage& message) {
    // Redis's globs match a little more than the patterns. What another feed claims comes once
    // more, for that one.
    if (result == Decoder::Result::Unmatched && feed_of(message.channel) != nullptr)
        return;

    log_.count(ring::kReceived);
    log_.count(counter_of(result));
    rejects_.add(result, message.channel);
    client_events_.turned_down(message.channel, message.payload, reason_of(result));
    if (!uv_is_active(reinterpret_cast<uv_handle_t*>(rejects_timer_.get())))
        uv_timer_start(
            rejects_timer_.get(),
            [](uv_timer_t* timer) noexcept { owner_of<Publisher>(timer).log_rejects(); },
            kRejectsEveryMs, 0);
}

void Publisher::log_rejects() noexcept {
    try {
        if (!rejects_.empty())
            log::warn(rejects_.take());
    } catch (const std::exception&) {
        // Out of memory: the counters in the ring have them all the same.
    }
}

void Publisher::on_connected() {
    if (log_.redis_connected())
        log_.count(ring::kReconnects);
}

void Publisher::on_lost() {
    log_.redis_lost();
}

void Publisher::print(const Feed& feed, std::string_view channel, const Event& event,
                      uint64_t seq) const {
    if (feed.log_line) {
        std::vector<std::string_view> values;
        feed.channels.captures(channel, values);
        const auto level = feed.log_levels.find(event.name);
        return log::event(level == feed.log_levels.end() ? log::Level::Info : level->second,
                          feed.log_line->text(values, event.data));
    }
    log::Line line("[events]");
    line.verbatim("id", ring::to_string(log_.id_of(seq))).with("channel", channel);
    if (!event.name.empty())
        line.with("event", event.name);
    log::info(line.verbatim("data", event.data));
}

// -- from clients

void Publisher::publish(std::string channel, std::string data, Answered answered) {
    const Feed* feed = feed_of(channel);
    if (feed == nullptr)
        return answered({PublishStatus::NoFeed, 0, 0}, "No feed claims this channel");
    Event event;
    const auto result = decoder_.decode(*feed, channel, data, event);
    if (result != Decoder::Result::Event)
        return answered({status_of(result), 0, 0}, std::string(explain(result)));
    if (!log_.is_redis_there())
        return answered({PublishStatus::Unavailable, 0, 0}, "Redis unavailable");
    if (log_.is_behind())
        return answered({PublishStatus::Unavailable, 0, 0}, "Journal failing");
    client_events_.send(std::move(channel), std::move(data), std::move(answered));
}

// -- from the sidecar itself

bool Publisher::add_own(std::string_view channel, std::string_view data) {
    if (log_.is_behind())
        return false;
    if (const Feed* feed = feed_of(channel))
        on_message({static_cast<size_t>(feed - feeds_.data()), channel, data});
    return true;
}

}  // namespace herald::sidecar
