// Which values are repeats, what is forgotten, and how much is remembered at most.
#include "sidecar/dedupe.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>

namespace herald::sidecar {
namespace {

constexpr uint64_t kMinute = 60'000;
constexpr uint64_t kStart = 1'795'255'200'000;

std::string value_of(uint64_t i) {
    return "v" + std::to_string(i);
}

// Adds `count` values that nothing else uses.
void add_others(Dedupe& dedupe, std::string_view channel, uint64_t count, uint64_t now_ms) {
    for (uint64_t i = 0; i < count; ++i)
        dedupe.add(channel, "other" + std::to_string(i), 1000 + i, now_ms);
}

TEST(Dedupe, FindsTheSeqOfTheEarlierEvent) {
    Dedupe dedupe;
    EXPECT_EQ(dedupe.find("a", "x", kStart), std::nullopt);
    dedupe.add("a", "x", 7, kStart);
    dedupe.add("a", "y", 8, kStart);
    EXPECT_EQ(dedupe.find("a", "x", kStart), 7u);
    EXPECT_EQ(dedupe.find("a", "y", kStart), 8u);
    EXPECT_EQ(dedupe.find("a", "z", kStart), std::nullopt);
}

TEST(Dedupe, KeepsChannelsApart) {
    Dedupe dedupe;
    dedupe.add("a", "x", 7, kStart);
    EXPECT_EQ(dedupe.find("b", "x", kStart), std::nullopt);
    EXPECT_EQ(dedupe.find("", "ax", kStart), std::nullopt);
    EXPECT_EQ(dedupe.find("ax", "", kStart), std::nullopt);
}

TEST(Dedupe, RemembersAChannelsLast1000ValuesHoweverOldTheyAre) {
    Dedupe dedupe;
    dedupe.add("a", "x", 7, kStart);
    const uint64_t later = kStart + 1'000'000 * kMinute;
    add_others(dedupe, "a", 999, later);
    EXPECT_EQ(dedupe.find("a", "x", later), 7u);
    dedupe.add("a", "one more", 9, later);
    EXPECT_EQ(dedupe.find("a", "x", later), std::nullopt);
}

TEST(Dedupe, DoesNotCountOtherChannelsValues) {
    Dedupe dedupe;
    dedupe.add("a", "x", 7, kStart);
    add_others(dedupe, "b", 5000, kStart + 60 * kMinute);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 120 * kMinute), 7u);
}

TEST(Dedupe, RemembersTenMinutesHoweverManyValuesCame) {
    Dedupe dedupe;
    dedupe.add("a", "x", 7, kStart);
    add_others(dedupe, "a", 50'000, kStart + 1);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 10 * kMinute), 7u);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 10 * kMinute + 1000), std::nullopt);
}

TEST(Dedupe, CountsFromTheEventThatWasAdded) {
    Dedupe dedupe;
    dedupe.add("a", "x", 7, kStart);
    add_others(dedupe, "a", 2000, kStart);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 9 * kMinute), 7u);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 11 * kMinute), std::nullopt);
    dedupe.add("a", "x", 9, kStart + 11 * kMinute);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 20 * kMinute), 9u);
}

TEST(Dedupe, ForgetsTheOldestOfAllChannelsBeyondItsCapacity) {
    Dedupe dedupe(100);
    for (uint64_t i = 0; i < 250; ++i) {
        dedupe.add("c" + std::to_string(i % 30), value_of(i), i, kStart);
        ASSERT_LE(dedupe.size(), 100u);
        ASSERT_LE(dedupe.channels(), 30u);
    }
    for (uint64_t i = 0; i < 250; ++i) {
        const auto expected = i < 150 ? std::nullopt : std::optional<uint64_t>(i);
        EXPECT_EQ(dedupe.find("c" + std::to_string(i % 30), value_of(i), kStart), expected) << i;
    }
}

TEST(Dedupe, RemembersOneValueAtLeast) {
    Dedupe dedupe(0);
    dedupe.add("a", "x", 1, kStart);
    EXPECT_EQ(dedupe.find("a", "x", kStart), 1u);
    dedupe.add("b", "x", 2, kStart);
    EXPECT_EQ(dedupe.find("a", "x", kStart), std::nullopt);
    EXPECT_EQ(dedupe.find("b", "x", kStart), 2u);
    EXPECT_EQ(dedupe.size(), 1u);
}

TEST(Dedupe, KeepsNoMoreCountersThanValues) {
    Dedupe dedupe(1000);
    for (uint64_t i = 0; i < 20'000; ++i) {
        dedupe.add("channel" + std::to_string(i), "x", i, kStart);
        ASSERT_LE(dedupe.channels(), 1000u);
    }
    EXPECT_EQ(dedupe.channels(), 1000u);
    EXPECT_EQ(dedupe.size(), 1000u);
}

TEST(Dedupe, StaysSmallWhereLittleIsRemembered) {
    Dedupe dedupe;
    EXPECT_LT(dedupe.bytes(), 64u << 10);
    uint64_t now = kStart;
    for (uint64_t i = 0; i < 200'000; ++i)
        dedupe.add("a", value_of(i), i, now += 1000);
    EXPECT_LT(dedupe.size(), 1100u);
    EXPECT_LT(dedupe.bytes(), 256u << 10);
}

TEST(Dedupe, GivesTheMemoryOfABurstBack) {
    Dedupe dedupe;
    add_others(dedupe, "a", 100'000, kStart);
    const size_t most = dedupe.bytes();
    for (uint64_t i = 0; i < 40'000; ++i)
        dedupe.add("a", value_of(i), i, kStart + 11 * kMinute + i * 1000);
    EXPECT_LT(dedupe.size(), 1100u);
    EXPECT_LT(dedupe.bytes(), most / 3);
    EXPECT_EQ(dedupe.find("a", value_of(39'999), kStart + 11 * kMinute + 40'000'000), 39'999u);
}

TEST(Dedupe, TakesAbout50MegabytesAtTheMost) {
    Dedupe dedupe;
    for (uint64_t i = 0; i < Dedupe::kCapacity + 10'000; ++i)
        dedupe.add("c" + std::to_string(i), "x", i, kStart);
    EXPECT_EQ(dedupe.size(), Dedupe::kCapacity);
    EXPECT_LT(dedupe.bytes(), 58'000'000u);
    EXPECT_EQ(dedupe.find("c9999", "x", kStart), std::nullopt);
    EXPECT_EQ(dedupe.find("c10000", "x", kStart), 10'000u);
}

TEST(Dedupe, DoesNotKeepValuesForEverWhenTheClockJumpsBack) {
    Dedupe dedupe;
    const uint64_t future = kStart + 1'000'000 * kMinute;
    dedupe.add("a", "x", 7, future);
    add_others(dedupe, "a", 2000, future);
    EXPECT_EQ(dedupe.find("a", "x", kStart), 7u);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 10 * kMinute), 7u);
    EXPECT_EQ(dedupe.find("a", "x", kStart + 10 * kMinute + 1000), std::nullopt);
}

TEST(Dedupe, SurvivesClocksThatGoWild) {
    Dedupe dedupe;
    for (uint64_t now : {uint64_t{0}, UINT64_MAX, uint64_t{0}, UINT64_MAX, kStart})
        dedupe.add("a", "x", now, now);
    EXPECT_EQ(dedupe.find("a", "x", kStart), kStart);
    add_others(dedupe, "a", 2000, kStart);
    EXPECT_EQ(dedupe.find("a", "x", UINT64_MAX), std::nullopt);
}

TEST(Dedupe, TakesValuesOfAnyLengthAndBytes) {
    Dedupe dedupe;
    uint64_t seq = 0;
    std::vector<std::string> values{"", std::string("\0", 1), std::string("\0\0", 2), "\xff"};
    for (size_t length : {8, 16, 17, 128, 240, 241, 1000, 100'000})
        values.emplace_back(length, 'v');
    for (const std::string& value : values)
        dedupe.add("a", value, ++seq, kStart);
    for (size_t i = 0; i < values.size(); ++i)
        EXPECT_EQ(dedupe.find("a", values[i], kStart), i + 1);
}

// The rules word by word, with a list of all that came.
class Model {
  public:
    explicit Model(size_t capacity) : capacity_(capacity) {}

    std::optional<uint64_t> find(const std::string& channel, const std::string& value,
                                 uint64_t now_ms) const {
        uint64_t behind = 0;  // values of the channel that came later
        for (auto came = came_.rbegin(); came != came_.rend(); ++came) {
            if (came->channel != channel)
                continue;
            if (came->value == value) {
                const bool recent = now_ms / 1000 - came->at_ms / 1000 <= 600;
                return recent || behind < 1000 ? std::optional(came->seq) : std::nullopt;
            }
            ++behind;
        }
        return std::nullopt;
    }

    void add(const std::string& channel, const std::string& value, uint64_t seq, uint64_t now_ms) {
        came_.push_back({channel, value, seq, now_ms});
        if (came_.size() > capacity_)
            came_.pop_front();
    }

  private:
    struct Came {
        std::string channel;
        std::string value;
        uint64_t seq;
        uint64_t at_ms;
    };
    size_t capacity_;
    std::deque<Came> came_{};
};

TEST(Dedupe, FollowsItsRulesOnRandomEvents) {
    std::minstd_rand random(5);
    Dedupe dedupe(4000);
    Model model(4000);  // as large: what it drops for being full may go earlier as expired
    uint64_t now = 0;   // the first event's: both count seconds from there
    int repeats = 0;
    for (uint64_t seq = 0; seq < 12'000; ++seq) {
        now += seq == 0 || random() % 2 == 0 ? 0 : random() % 700;
        if (random() % 3000 == 0)
            now += 599'000 + random() % 3000;
        const std::string channel = random() % 4 == 0 ? "b" : "a";
        const std::string value = value_of(seq - std::min<uint64_t>(seq, random() % 3500));
        const auto expected = model.find(channel, value, now);
        ASSERT_EQ(dedupe.find(channel, value, now), expected) << seq;
        if (expected) {
            ++repeats;
            continue;
        }
        dedupe.add(channel, value, seq, now);
        model.add(channel, value, seq, now);
    }
    EXPECT_GT(repeats, 500);
}

TEST(IndexTable, FindsWhatIsThereAfterAnyAdditionsAndRemovals) {
    std::minstd_rand random(6);
    // Few hashes, many of them at the table's end: long runs, across the wrap.
    std::map<uint32_t, uint64_t> hashes;
    const auto hash_of = [&](uint32_t index) { return hashes.at(index); };
    IndexTable table;
    std::set<uint32_t> in;
    for (int i = 0; i < 200'000; ++i) {
        const auto index = static_cast<uint32_t>(random() % 180);
        hashes.emplace(index, uint64_t{random() % 24} + 240);
        if (random() % 2 == 0) {
            table.reserve(hash_of);
            table.assign(hash_of(index), index, [&](uint32_t other) { return other == index; });
            in.insert(index);
        } else {
            table.erase(hash_of(index), index, hash_of);
            in.erase(index);
        }
        const auto probe = static_cast<uint32_t>(random() % 180);
        if (!hashes.contains(probe))
            continue;
        ASSERT_EQ(table.find(hash_of(probe), [&](uint32_t other) { return other == probe; }),
                  in.contains(probe) ? probe : IndexTable::kNone);
        ASSERT_EQ(table.size(), in.size());
    }
}

}  // namespace
}  // namespace herald::sidecar
