// The path of a message: decode, append, count. The doorbells ring from a check handle, which libuv
// runs right after it has polled.
#include "sidecar/publisher.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kRejectsEveryMs = 1000;

uint64_t now_ms() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

uint64_t random_64() {
    std::random_device random;
    return uint64_t{random()} << 32 | random();
}

ring::WriterOptions writer_options(const Config& config, uint32_t log,
                                   std::vector<uint32_t> past_logs) {
    ring::WriterOptions options;
    options.capacity = config.ring_size;
    options.max_message = config.max_message;
    options.log = log;
    options.hash_seed = random_64();
    options.incarnation = std::max<uint64_t>(1, random_64());
    options.created_ms = now_ms();
    options.past_logs = std::move(past_logs);
    return options;
}

}  // namespace

Publisher::Publisher(uv_loop_t* loop, const Config& config, uint32_t log,
                     std::vector<uint32_t> past_logs, const Doorbells& doorbells)
    : feeds_(config.feeds),
      doorbells_(doorbells),
      log_(log),
      ring_(writer_options(config, log, std::move(past_logs))),
      decoder_(config.max_message),
      turn_end_(make_handle<uv_check_t>(
          this, "check", [loop](uv_check_t* check) { return uv_check_init(loop, check); })),
      rejects_timer_(make_timer(loop, this)) {
    // Runs right after the loop has read from every socket that had something.
    uv_check_start(turn_end_.get(),
                   [](uv_check_t* check) noexcept { owner_of<Publisher>(check).ring_doorbells(); });
}

Publisher::~Publisher() {
    log_rejects();
}

void Publisher::on_message(const RawMessage& message) {
    const Feed& feed = feeds_[message.feed];
    Event event;
    const auto result = decoder_.decode(feed, message.channel, message.payload, event);
    if (result != Decoder::Result::Event)
        return reject(result, message);

    append({ring::Kind::Event, 0, 0, 0, message.channel, event.name, event.data});
    count(ring::kReceived);
    count(ring::kPublished);
    if (event.unfit_name)
        count(ring::kUnnamed);
    if (feed.log)
        print(message.channel, event);
}

void Publisher::reject(Decoder::Result result, const RawMessage& message) {
    // Redis's globs match a little more than the patterns. What another feed claims comes once
    // more, for that one.
    if (result == Decoder::Result::Unmatched) {
        for (const Feed& feed : feeds_) {
            if (feed.channels.matches(message.channel))
                return;
        }
    }

    count(ring::kReceived);
    count(counter_of(result));
    rejects_.add(result, message.channel);
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
    if (redis_lost_) {
        append_notice(ring::Kind::RedisBack);
        count(ring::kReconnects);
    }
    redis_lost_ = false;
    ring_.header().redis.store(ring::RedisState::Connected, std::memory_order_relaxed);
}

void Publisher::on_lost() {
    redis_lost_ = true;
    ring_.header().redis.store(ring::RedisState::Lost, std::memory_order_relaxed);
    append_notice(ring::Kind::RedisLost);
}

// Notices also come from timers, outside of what `turn_end_` follows: they ring at once.
void Publisher::append_notice(ring::Kind kind) {
    append({kind, 0, 0, 0, "", "", ""});
    ring_doorbells();
}

void Publisher::append(ring::NewRecord record) {
    record.seq = last_seq_ + 1;
    record.at_ms = now_ms();
    ring_.append(record);
    ++last_seq_;
    unheard_ = true;
}

void Publisher::ring_doorbells() noexcept {
    if (!std::exchange(unheard_, false))
        return;
    doorbells_.ring();
}

// One writer: no need for an atomic addition. Readers take any recent value.
void Publisher::add_to(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Publisher::print(std::string_view channel, const Event& event) const {
    char id[ring::kMaxIdLength];
    const char* end = ring::format_id({log_, last_seq_}, id);
    log::Line line("[events]");
    line.verbatim("id", {id, static_cast<size_t>(end - id)}).with("channel", channel);
    if (!event.name.empty())
        line.with("event", event.name);
    log::info(line.verbatim("data", event.data));
}

}  // namespace herald::sidecar
