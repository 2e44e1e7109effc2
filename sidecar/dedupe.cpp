// The queue of entries and the two tables that point into it.
#include "sidecar/dedupe.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "ring/hash.hpp"

namespace herald::sidecar {

namespace {

// How many entries that can match nothing more go for each that comes: enough to get rid of a
// burst, few enough to keep every event cheap.
constexpr int kForgottenAtOnce = 4;

uint64_t random_64() {
    std::random_device random;
    return uint64_t{random()} << 32 | random();
}

}  // namespace

Dedupe::Dedupe(size_t capacity)
    : capacity_(static_cast<uint32_t>(std::clamp<size_t>(capacity, 1, IndexTable::kNone - 1))),
      seed_(random_64()),
      blocks_((size_t{capacity_} + kBlock - 1) / kBlock) {}

Dedupe::~Dedupe() = default;

std::optional<uint64_t> Dedupe::find(std::string_view channel, std::string_view value,
                                     uint64_t now_ms) {
    advance(now_ms);
    const uint64_t in = ring::hash_channel(channel, seed_);
    const Fingerprint print = fingerprint(value, in);
    const uint32_t index =
        values_.find(print.low, [&](uint32_t other) { return entry(other).value == print; });
    if (index == IndexTable::kNone || !may_match(entry(index)))
        return std::nullopt;
    return entry(index).seq;
}

void Dedupe::add(std::string_view channel, std::string_view value, uint64_t seq, uint64_t now_ms) {
    advance(now_ms);
    forget_some();
    if (size_ == capacity_)
        forget_oldest();

    // All that can throw comes first.
    values_.reserve([this](uint32_t index) { return entry(index).value.low; });
    channels_.reserve([this](uint32_t index) { return entry(index).channel; });
    if (blocks_[next_ / kBlock] == nullptr)
        blocks_[next_ / kBlock] = std::make_unique_for_overwrite<Block>();

    const uint64_t in = ring::hash_channel(channel, seed_);
    const Fingerprint print = fingerprint(value, in);
    const uint32_t before = newest_of(in);
    const uint32_t ordinal = before == IndexTable::kNone ? 0 : entry(before).ordinal + 1;
    entry(next_) = {print, in, seq, ordinal, now_s()};
    values_.assign(print.low, next_, [&](uint32_t index) { return entry(index).value == print; });
    channels_.assign(in, next_, [&](uint32_t index) { return entry(index).channel == in; });
    next_ = after(next_);
    ++size_;
}

size_t Dedupe::bytes() const {
    const auto held = std::count_if(blocks_.begin(), blocks_.end(),
                                    [](const auto& block) { return block != nullptr; });
    return static_cast<size_t>(held) * sizeof(Block) + blocks_.size() * sizeof(blocks_[0]) +
           values_.bytes() + channels_.bytes();
}

// The channel's hash is the seed, so that equal values of different channels differ.
Dedupe::Fingerprint Dedupe::fingerprint(std::string_view value, uint64_t channel) {
    const XXH128_hash_t hash = XXH3_128bits_withSeed(value.data(), value.size(), channel);
    return {hash.low64, hash.high64};
}

void Dedupe::advance(uint64_t now_ms) {
    const uint64_t last = std::exchange(last_now_ms_, now_ms).value_or(now_ms);
    if (now_ms > last)
        clock_ms_ += std::min(now_ms - last, kWindowMs + 1000);
}

uint32_t Dedupe::newest_of(uint64_t channel) const {
    return channels_.find(channel, [&](uint32_t index) { return entry(index).channel == channel; });
}

// Whether a repeat of the entry that came now would be one. While a channel has an entry, it also
// has a newest one.
bool Dedupe::may_match(const Entry& old) const {
    return now_s() - old.at_s <= kWindowMs / 1000 ||
           entry(newest_of(old.channel)).ordinal - old.ordinal < kEvents;
}

void Dedupe::forget_some() {
    for (int i = 0; i < kForgottenAtOnce && size_ > 0 && !may_match(entry(oldest_)); ++i)
        forget_oldest();
}

void Dedupe::forget_oldest() {
    const Entry& old = entry(oldest_);
    values_.erase(old.value.low, oldest_,
                  [this](uint32_t index) { return entry(index).value.low; });
    channels_.erase(old.channel, oldest_, [this](uint32_t index) { return entry(index).channel; });

    const uint32_t block = oldest_ / kBlock;
    oldest_ = after(oldest_);
    --size_;
    // Where the queue has gone all the way round, its newest part is in that block, too.
    const uint32_t newest = next_ == 0 ? capacity_ - 1 : next_ - 1;
    if (oldest_ / kBlock != block && (size_ == 0 || newest / kBlock != block))
        blocks_[block].reset();
}

}  // namespace herald::sidecar
