#include "sidecar/webhooks/delivery_queue.hpp"

#include <cassert>

namespace herald::sidecar {

namespace {

uint64_t size_of(const Delivery& delivery) {
    return delivery.channel.size() + delivery.event.size() + delivery.data.size();
}

}  // namespace

Delivery& DeliveryQueue::add(Delivery delivery, uint64_t now_ms) {
    const uint64_t seq = delivery.id.seq;
    assert(all_.empty() || all_.rbegin()->first < seq);
    bytes_ += size_of(delivery);
    std::deque<uint64_t>& channel = channels_[delivery.channel];
    channel.push_back(seq);
    if (channel.size() == 1)
        due_.emplace(now_ms, seq);
    return all_.emplace_hint(all_.end(), seq, std::move(delivery))->second;
}

Delivery* DeliveryQueue::take(uint64_t now_ms) {
    if (due_.empty() || due_.begin()->first > now_ms)
        return nullptr;
    const uint64_t seq = due_.begin()->second;
    due_.erase(due_.begin());
    failed_.erase(seq);
    return &all_.at(seq);
}

void DeliveryQueue::retry(Delivery& delivery, uint64_t due_ms) {
    due_.emplace(due_ms, delivery.id.seq);
    failed_.emplace(delivery.id.seq, due_ms);
}

void DeliveryQueue::remove(Delivery& delivery, uint64_t now_ms) {
    const uint64_t seq = delivery.id.seq;
    const auto channel = channels_.find(delivery.channel);
    assert(channel != channels_.end() && channel->second.front() == seq);
    channel->second.pop_front();
    if (channel->second.empty())
        channels_.erase(channel);
    else
        due_.emplace(now_ms, channel->second.front());
    bytes_ -= size_of(delivery);
    all_.erase(seq);
}

void DeliveryQueue::hurry(const std::function<uint64_t(uint64_t seq)>& due_ms) {
    for (auto& [seq, due] : failed_) {
        const uint64_t sooner = due_ms(seq);
        if (sooner >= due)
            continue;
        due_.erase({due, seq});
        due_.emplace(sooner, seq);
        due = sooner;
    }
}

std::optional<uint64_t> DeliveryQueue::next_due_ms() const {
    if (due_.empty())
        return std::nullopt;
    return due_.begin()->first;
}

}  // namespace herald::sidecar
