#include "sidecar/client_events.hpp"

#include <algorithm>
#include <utility>

#include "ring/hash.hpp"

namespace herald::sidecar {

using ring::questions::PublishAnswer;
using ring::questions::PublishStatus;

namespace {

constexpr uint64_t kPatienceMs = 5000;
constexpr size_t kMaxWaiting = 10000;

}  // namespace

ClientEvents::ClientEvents(uv_loop_t* loop, const RedisUrl& redis, EventLog& log)
    : loop_(loop), log_(log), timer_(make_timer(loop, this)), redis_(loop, redis) {}

void ClientEvents::send(std::string channel, std::string data, EventIntake::Answered answered) {
    if (waiting_.size() >= kMaxWaiting)
        return answered({PublishStatus::Unavailable, 0, 0}, "too many events are under way");
    const uint64_t number = ++last_number_;
    waiting_.push_back({number, key_of(channel, data), uv_now(loop_), 0, std::move(answered)});
    redis_.publish(channel, data, [this, number](RedisPublisher::Outcome outcome,
                                                 std::string_view why) { sent(number, outcome, why); });
    if (!uv_is_active(reinterpret_cast<uv_handle_t*>(timer_.get())))
        uv_timer_start(
            timer_.get(),
            [](uv_timer_t* timer) noexcept { owner_of<ClientEvents>(timer).time_out(); },
            kPatienceMs, 0);
}

void ClientEvents::sent(uint64_t number, RedisPublisher::Outcome outcome, std::string_view why) {
    if (outcome == RedisPublisher::Outcome::Sent)
        return;
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const Waiting& w) { return w.number == number; });
    if (found == waiting_.end() || found->seq != 0)
        return;
    answer(found,
           outcome == RedisPublisher::Outcome::Refused ? PublishStatus::Unavailable
                                                       : PublishStatus::Unknown,
           0, why);
}

void ClientEvents::came_back(std::string_view channel, std::string_view payload, uint64_t seq) {
    if (waiting_.empty())
        return;
    const auto found = find(key_of(channel, payload));
    if (found == waiting_.end())
        return;
    if (seq <= log_.journaled_seq())
        answer(found, PublishStatus::Accepted, seq, "");
    else
        found->seq = seq;
}

void ClientEvents::turned_down(std::string_view channel, std::string_view payload,
                               std::string_view why) {
    if (waiting_.empty())
        return;
    const auto found = find(key_of(channel, payload));
    if (found != waiting_.end())
        answer(found, PublishStatus::Malformed, 0, why);
}

void ClientEvents::answer_journaled() {
    for (size_t i = 0; i < waiting_.size();) {
        const auto at = waiting_.begin() + static_cast<ptrdiff_t>(i);
        if (at->seq != 0 && at->seq <= log_.journaled_seq())
            answer(at, PublishStatus::Accepted, at->seq, "");
        else
            ++i;
    }
}

void ClientEvents::time_out() noexcept {
    const uint64_t now = uv_now(loop_);
    while (!waiting_.empty() && waiting_.front().sent_ms + kPatienceMs <= now)
        answer(waiting_.begin(), PublishStatus::Unknown, 0,
               waiting_.front().seq == 0 ? "Redis has not sent it back in time"
                                         : "the journal cannot be written");
    if (!waiting_.empty())
        uv_timer_start(
            timer_.get(),
            [](uv_timer_t* timer) noexcept { owner_of<ClientEvents>(timer).time_out(); },
            waiting_.front().sent_ms + kPatienceMs - now, 0);
}

void ClientEvents::answer(List::iterator waiting, PublishStatus status, uint64_t seq,
                          std::string_view text) {
    const EventIntake::Answered answered = std::move(waiting->answered);
    waiting_.erase(waiting);
    answered({status, log_.id_of(seq).log, seq}, std::string(text));
}

ClientEvents::List::iterator ClientEvents::find(uint64_t key) {
    return std::find_if(waiting_.begin(), waiting_.end(),
                        [&](const Waiting& w) { return w.seq == 0 && w.key == key; });
}

uint64_t ClientEvents::key_of(std::string_view channel, std::string_view payload) {
    return ring::hash_channel(payload, ring::hash_channel(channel, 0));
}

}  // namespace herald::sidecar
