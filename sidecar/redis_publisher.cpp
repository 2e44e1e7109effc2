// One timer drives everything that is not an answer: `schedule` sets it to what is due next, `turn`
// does what is due. Callbacks from the connection end with a turn as well.
#include "sidecar/redis_publisher.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>

#include "sidecar/backoff.hpp"

namespace herald::sidecar {

namespace {

std::string within(uint64_t ms) {
    return " within " +
           (ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms");
}

}  // namespace

RedisPublisher::RedisPublisher(uv_loop_t* loop, RedisUrl url, uint64_t timeout_ms)
    : loop_(loop),
      url_(std::move(url)),
      preamble_(redis_preamble(url_)),
      timeout_ms_(timeout_ms),
      no_answer_("no answer" + within(timeout_ms)),
      no_connection_("not published: no connection to Redis at " + url_.address() +
                     within(timeout_ms)),
      timer_(make_timer(loop, this)),
      random_(std::random_device{}()) {}

RedisPublisher::~RedisPublisher() {
    if (destroyed_ != nullptr)
        *destroyed_ = true;
}

bool RedisPublisher::has_room(size_t size) const {
    return under_way() < kMaxUnderWay && size <= kMaxBytesUnderWay - bytes_;
}

void RedisPublisher::publish(std::string_view channel, std::string_view payload, Done done) {
    Pendings added(1);
    Pending& pending = added.front();
    pending.size = channel.size() + payload.size();
    pending.at = now();
    pending.done = std::move(done);

    if (!has_room(pending.size)) {
        pending.outcome = Outcome::Refused;
        pending.why = under_way() < kMaxUnderWay ? "too many bytes are under way to Redis"
                                                 : "too many publishes are under way to Redis";
        finished_.splice(finished_.end(), added);
    } else {
        const size_t before = outbox_.size();
        try {
            append_redis_command(outbox_, {"PUBLISH", channel, payload});
        } catch (...) {
            outbox_.resize(before);
            throw;
        }
        pending.command_size = outbox_.size() - before;
        if (queued_.empty())
            last_reason_.clear();
        bytes_ += pending.size;
        queued_.splice(queued_.end(), added);
    }
    schedule();
}

void RedisPublisher::turn() noexcept {
    if (ready())
        write_queued();
    expire();
    if (!stream_ && !queued_.empty() && now() >= retry_at_)
        connect();
    if (deliver())
        schedule();
}

void RedisPublisher::connect() noexcept {
    try {
        RedisStream::Listener& listener = *this;
        replies_ = std::make_unique<RedisReplies>();
        stream_ = std::make_unique<RedisStream>(loop_, url_, listener);
    } catch (const std::exception& error) {
        lose(error.what());
    }
}

void RedisPublisher::on_open() noexcept {
    opened_ = true;
    progress();
    if (!ready()) {
        try {
            stream_->write(preamble_.bytes);
        } catch (const std::exception& error) {
            lose(error.what());
        }
    }
    turn();
}

// All that has come up since the last turn goes out in one write.
void RedisPublisher::write_queued() noexcept {
    if (queued_.empty())
        return;
    if (written_.empty())
        progress();
    written_.splice(written_.end(), queued_);
    try {
        stream_->write(std::exchange(outbox_, {}));
    } catch (const std::exception& error) {
        lose(error.what());
    }
}

void RedisPublisher::on_bytes(std::string_view bytes) noexcept {
    progress();
    try {
        const auto failure =
            replies_->feed(bytes, [this](const RedisReply& reply) { return take(reply); });
        if (failure)
            lose(*failure);
    } catch (const std::exception& error) {
        lose(error.what());
    }
    turn();
}

// Answers come in the order of the commands.
std::optional<std::string> RedisPublisher::take(const RedisReply& reply) {
    const bool refused = reply.type == RedisReply::Type::Error;
    if (!ready()) {
        if (!refused) {
            ++steps_done_;
            return std::nullopt;
        }
        const std::string why = redis_refusal(url_, preamble_.commands[steps_done_], reply);
        outbox_.clear();
        while (!queued_.empty())
            finish_front(queued_, Outcome::Refused, why);
        return why;
    }

    if (written_.empty())
        return refused ? redis_refusal(url_, "the connection", reply)
                       : "Redis answers where nothing was asked";
    if (refused) {
        finish_front(written_, Outcome::Refused, redis_refusal(url_, "PUBLISH", reply));
        return std::nullopt;
    }
    if (reply.type != RedisReply::Type::Integer)
        return "Redis answers PUBLISH with something else than a number";
    failures_ = 0;
    finish_front(written_, Outcome::Sent, {});
    return std::nullopt;
}

void RedisPublisher::on_closed(const char* reason) noexcept {
    lose(reason);
    turn();
}

void RedisPublisher::expire() noexcept {
    // Late twice: a process that was stopped itself finds much time gone, and the answer there.
    if (awaits_answer() && now() - progress_at_ >= timeout_ms_ && std::exchange(overdue_, true))
        lose(no_answer_);

    auto expired = [this] { return !queued_.empty() && now() - queued_.front().at >= timeout_ms_; };
    if (!expired())
        return;
    std::string why;
    try {
        why = last_reason_.empty() ? no_connection_ : no_connection_ + ": " + last_reason_;
    } catch (const std::exception&) {
        // As in finish_front.
    }
    size_t commands = 0;
    while (expired()) {
        commands += queued_.front().command_size;
        finish_front(queued_, Outcome::Lost, why);
    }
    outbox_.erase(0, commands);
}

// Ends the connection. `reason` may be a text that ends with it.
void RedisPublisher::lose(std::string_view reason) noexcept {
    try {
        last_reason_ = reason;
        const std::string why =
            "Redis has not answered, it may have been published or not: " + last_reason_;
        while (!written_.empty())
            finish_front(written_, Outcome::Lost, why);
    } catch (const std::exception&) {
        while (!written_.empty())
            finish_front(written_, Outcome::Lost, {});
    }
    stream_.reset();
    replies_.reset();
    opened_ = false;
    steps_done_ = 0;
    overdue_ = false;
    retry_at_ = now() + retry_delay_ms(failures_++, static_cast<uint32_t>(random_()));
}

void RedisPublisher::finish_front(Pendings& of, Outcome outcome, std::string_view why) noexcept {
    Pending& pending = of.front();
    pending.outcome = outcome;
    try {
        pending.why = why;
    } catch (const std::exception&) {
        // The outcome counts, also where there is no memory for its reason.
    }
    bytes_ -= pending.size;
    finished_.splice(finished_.end(), of, of.begin());
}

// Returns false where a Done has destroyed the publisher.
bool RedisPublisher::deliver() noexcept {
    bool destroyed = false;
    destroyed_ = &destroyed;
    Pendings finished;
    finished.swap(finished_);
    for (const Pending& pending : finished) {
        pending.done(pending.outcome, pending.why);
        if (destroyed)
            return false;
    }
    destroyed_ = nullptr;
    return true;
}

void RedisPublisher::schedule() noexcept {
    uint64_t due = UINT64_MAX;
    if (!finished_.empty() || (ready() && !queued_.empty()))
        due = now();
    if (!queued_.empty())
        due = std::min(due, queued_.front().at + timeout_ms_);
    if (!queued_.empty() && !stream_)
        due = std::min(due, std::max(retry_at_, now()));
    if (awaits_answer())
        due = std::min(due, overdue_ ? now() + 1 : progress_at_ + timeout_ms_);

    if (due == UINT64_MAX) {
        uv_timer_stop(timer_.get());
        return;
    }
    uv_timer_start(
        timer_.get(), [](uv_timer_t* timer) noexcept { owner_of<RedisPublisher>(timer).turn(); },
        due - std::min(due, now()), 0);
}

void RedisPublisher::progress() noexcept {
    progress_at_ = now();
    overdue_ = false;
}

}  // namespace herald::sidecar
