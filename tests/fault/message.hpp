// What message number `seq` is: every field and every byte follow from the seed and the number, so
// that a reader can tell a right record from a wrong one by itself.
//
// A few channels have most messages; many have one now and then, so that the writer forgets them
// and meets them again. Some messages are notices without channel or data.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "ring/hash.hpp"
#include "ring/layout.hpp"
#include "ring/writer.hpp"

namespace herald::fault {

// SplitMix64 (Steele, Lea, Flood 2014), as a function and as a generator.
inline uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

class Random {
  public:
    explicit Random(uint64_t seed) : state_(mix(seed)) {}
    uint64_t operator()() { return mix(state_ += 0x9e3779b97f4a7c15); }
    uint64_t below(uint64_t bound) { return (*this)() % bound; }
    bool one_in(uint64_t n) { return below(n) == 0; }

  private:
    uint64_t state_;
};

class Messages {
  public:
    static constexpr size_t kMostData = 2500;   // bytes
    static constexpr uint32_t kRare = 1 << 16;  // channels from here on are rare

    explicit Messages(uint64_t seed) : seed_(mix(seed)) {}

    // 0: a notice.
    uint32_t channel_of(uint64_t seq) const {
        const uint64_t r = bits(seq);
        if (r % 64 == 0)
            return 0;
        const auto number = static_cast<uint32_t>(r >> 8);
        return r % 8 == 1 ? kRare + number % 200 : 1 + number % 4;
    }

    // The views live until the next call.
    ring::NewRecord make(uint64_t seq) {
        const uint64_t r = bits(seq);
        const uint32_t channel = channel_of(seq);
        ring::NewRecord record;
        record.seq = seq;
        record.at_ms = r >> 20;
        channel_.clear();
        if (channel == 0) {
            record.kind = r % 128 == 0 ? ring::Kind::RedisLost : ring::Kind::RedisBack;
            record.channel = record.event = record.data = channel_;
            return record;
        }
        channel_.append(channel >= kRare ? "a:rare:channel:" : "c:");
        channel_ += std::to_string(channel);
        record.flags = r % 100 == 7 ? ring::kEndsStream : uint8_t{0};
        record.channel = channel_;
        record.event = std::string_view("progress").substr(0, (r >> 12) % 9);
        record.data = fill(seq, (r >> 16) % 16 == 0 ? (r >> 24) % kMostData : (r >> 24) % 300);
        return record;
    }

    // Why the header of a record is not that of the message with its seq; nullptr: it is.
    const char* wrong_header(const ring::RecordHeader& header, uint64_t hash_seed) {
        const ring::NewRecord expected = make(header.seq);
        if (header.kind != expected.kind || header.flags != expected.flags)
            return "kind or flags";
        if (header.at_ms != expected.at_ms)
            return "time";
        if (header.channel_length != expected.channel.size() ||
            header.event_length != expected.event.size() ||
            header.data_length != expected.data.size())
            return "lengths";
        if (header.channel_hash != ring::hash_channel(expected.channel, hash_seed))
            return "channel hash";
        return wrong_link(header);
    }
    const char* wrong_payload(uint64_t seq, std::string_view channel, std::string_view event,
                              std::string_view data) {
        const ring::NewRecord expected = make(seq);
        if (channel != expected.channel)
            return "channel";
        if (event != expected.event)
            return "event";
        return data == expected.data ? nullptr : "data";
    }

  private:
    uint64_t bits(uint64_t seq) const { return mix(seed_ + seq * 0x9e3779b97f4a7c15); }

    const char* wrong_link(const ring::RecordHeader& header) const {
        if (header.previous_seq >= header.seq)
            return "previous seq that is not before it";
        const uint32_t channel = channel_of(header.seq);
        for (uint64_t seq = header.seq - 1; seq > header.previous_seq; --seq) {
            if (channel_of(seq) == channel)
                return "previous seq that leaves out a record of the channel";
        }
        if (header.previous != ring::kNoPosition && channel_of(header.previous_seq) != channel)
            return "previous record of another channel";
        return nullptr;
    }

    std::string_view fill(uint64_t seq, size_t size) {
        uint64_t word = bits(seq);
        for (size_t at = 0; at < size; at += sizeof word) {
            word = word * 6364136223846793005 + 1442695040888963407;
            std::memcpy(data_ + at, &word, sizeof word);
        }
        return {data_, size};
    }

    uint64_t seed_;
    std::string channel_;
    char data_[kMostData + 8];
};

}  // namespace herald::fault
