// The table of channels: positions, how it grows and forgets, and topics.
#include "channel.hpp"

#include <gtest/gtest.h>

#include "ring/hash.hpp"

namespace herald {
namespace {

using ring::hash_channel;
using ring::kNoPosition;

constexpr uint64_t kSeed = 7;

class ChannelTableTest : public testing::Test {
  protected:
    void SetUp() override { table.rebase(kSeed); }

    ChannelTable::Entry& note(const std::string& channel, uint64_t position) {
        return table.note(hash_channel(channel, kSeed), position);
    }
    void note_many(int from, int to, uint64_t position) {
        for (int i = from; i < to; ++i)
            note("c" + std::to_string(i), position + static_cast<uint64_t>(i));
    }

    ChannelTable table;
};

// --- Positions ---

TEST_F(ChannelTableTest, KnowsNoPositionOfAStranger) {
    EXPECT_EQ(table.last("stranger"), kNoPosition);
}

TEST_F(ChannelTableTest, KnowsTheNewestPosition) {
    note("a", 64);
    note("b", 128);
    note("a", 192);
    EXPECT_EQ(table.last("a"), 192u);
    EXPECT_EQ(table.last("b"), 128u);
    EXPECT_EQ(table.size(), 2u);
}

TEST_F(ChannelTableTest, TellsWhetherSomebodyListens) {
    EXPECT_EQ(note("a", 0).topics, nullptr);
    Topic& topic = table.acquire({"a"});
    ASSERT_NE(note("a", 64).topics, nullptr);
    EXPECT_EQ(*note("a", 64).topics, std::vector<Topic*>{&topic});
    table.release(topic);
    EXPECT_EQ(note("a", 128).topics, nullptr);
}

TEST_F(ChannelTableTest, KnowsNoPositionOfAChannelThatOnlyHasListeners) {
    Topic& topic = table.acquire({"a"});
    EXPECT_EQ(table.last("a"), kNoPosition);
    table.release(topic);
}

TEST_F(ChannelTableTest, KeepsEveryPositionWhileItGrows) {
    note_many(0, 100000, 64);
    for (int i = 0; i < 100000; ++i)
        ASSERT_EQ(table.last("c" + std::to_string(i)), 64u + static_cast<uint64_t>(i));
    EXPECT_EQ(table.size(), 100000u);
}

TEST_F(ChannelTableTest, ForgetsWhatIsGoneFromTheRing) {
    // A million channels, of which the ring holds the newest thousand.
    for (int i = 0; i < 1000000; ++i) {
        note("c" + std::to_string(i), static_cast<uint64_t>(i));
        if (i % 100 == 0 && i > 1000)
            table.forget_before(static_cast<uint64_t>(i - 1000));
    }
    EXPECT_LT(table.size(), 10000u);
    for (int i = 999000; i < 1000000; ++i)
        ASSERT_EQ(table.last("c" + std::to_string(i)), static_cast<uint64_t>(i));
}

TEST_F(ChannelTableTest, NeverForgetsAChannelThatSomebodyWants) {
    Topic& topic = table.acquire({"wanted"});
    note("wanted", 0);
    for (int i = 0; i < 50000; ++i) {
        table.forget_before(static_cast<uint64_t>(i));
        note("c" + std::to_string(i), static_cast<uint64_t>(i));
    }
    ASSERT_NE(note("wanted", 50000).topics, nullptr);
    EXPECT_EQ(note("wanted", 50000).topics->front(), &topic);
    table.release(topic);
}

TEST_F(ChannelTableTest, KeepsAChannelThatHashesToZero) {
    table.note(0, 64);
    EXPECT_EQ(table.size(), 1u);
    EXPECT_EQ(table.note(0, 128).last, 128u);
    EXPECT_EQ(table.size(), 1u);
}

// --- Topics ---

TEST_F(ChannelTableTest, SharesTheTopicOfAChannel) {
    Topic& first = table.acquire({"a"});
    Topic& second = table.acquire({"a"});
    EXPECT_EQ(&first, &second);
    EXPECT_EQ(first.users, 2u);
    table.release(second);
    table.release(first);
}

TEST_F(ChannelTableTest, SharesTheTopicOfASetOfChannelsInAnyOrder) {
    Topic& first = table.acquire({"b", "a", "b"});
    Topic& second = table.acquire({"a", "b"});
    EXPECT_EQ(&first, &second);
    EXPECT_EQ(first.channels(), (std::vector<std::string>{"a", "b"}));
    table.release(second);
    table.release(first);
}

TEST_F(ChannelTableTest, KeepsTopicsOfDifferentSetsApart) {
    Topic& ab = table.acquire({"a", "b"});
    Topic& a = table.acquire({"a"});
    EXPECT_NE(&ab, &a);
    EXPECT_EQ(note("a", 0).topics->size(), 2u);
    EXPECT_EQ(*note("b", 0).topics, std::vector<Topic*>{&ab});
    table.release(ab);
    EXPECT_EQ(*note("a", 0).topics, std::vector<Topic*>{&a});
    EXPECT_EQ(note("b", 0).topics, nullptr);
    table.release(a);
}

TEST_F(ChannelTableTest, EndsATopicWithItsLastUser) {
    table.acquire({"a"});
    Topic& topic = table.acquire({"a"});
    auto topics = [&] {
        int count = 0;
        table.each_topic([&](Topic&) { ++count; });
        return count;
    };
    table.release(topic);
    EXPECT_EQ(topics(), 1);
    table.release(topic);
    EXPECT_EQ(topics(), 0);
}

TEST_F(ChannelTableTest, NamesTheChannelsOfATopic) {
    Topic& topic = table.acquire({"a", "b"});
    EXPECT_TRUE(topic.has("a"));
    EXPECT_TRUE(topic.has("b"));
    EXPECT_FALSE(topic.has("c"));
    EXPECT_FALSE(topic.has(""));
    table.release(topic);
}

TEST_F(ChannelTableTest, KeepsTopicsWithOtherRulesApart) {
    const int rules = 0, others = 0;
    Topic& plain = table.acquire({"a"});
    Topic& filled = table.acquire({"a"}, &rules);
    Topic& other = table.acquire({"a"}, &others);
    EXPECT_NE(&plain, &filled);
    EXPECT_NE(&filled, &other);
    EXPECT_EQ(&table.acquire({"a"}, &rules), &filled);
    EXPECT_EQ(plain.rules(), nullptr);
    EXPECT_EQ(filled.rules(), &rules);
    EXPECT_EQ(note("a", 0).topics->size(), 3u);

    table.release(filled);
    table.release(filled);
    EXPECT_EQ(*note("a", 64).topics, (std::vector<Topic*>{&plain, &other}));
    table.release(other);
    table.release(plain);
    EXPECT_EQ(note("a", 128).topics, nullptr);
}

TEST_F(ChannelTableTest, MakesALaneForEachEncodingOnce) {
    Topic& topic = table.acquire({"a"});
    for (size_t i = 0; i < Encoding::kCount; ++i) {
        Lane& lane = topic.lane(Encoding::at(i), 5);
        EXPECT_EQ(&topic.lane(Encoding::at(i), 9), &lane);
        EXPECT_EQ(lane.seq_before(0), 5u);
    }
    size_t lanes = 0;
    topic.each_lane([&](Lane& lane) { EXPECT_EQ(lane.encoding().index(), lanes++); });
    EXPECT_EQ(lanes, Encoding::kCount);
    table.release(topic);
}

// --- A new ring ---

TEST_F(ChannelTableTest, ForgetsPositionsWithTheRing) {
    note("a", 64);
    table.forget_before(64);
    table.rebase(kSeed + 1);
    EXPECT_EQ(table.last("a"), kNoPosition);
    EXPECT_EQ(table.size(), 0u);
    table.note(hash_channel("a", kSeed + 1), 0);  // positions start again
    EXPECT_EQ(table.last("a"), 0u);
}

TEST_F(ChannelTableTest, KeepsTopicsAcrossRings) {
    Topic& ab = table.acquire({"a", "b"});
    Topic& a = table.acquire({"a"});
    table.rebase(kSeed + 1);
    EXPECT_EQ(table.note(hash_channel("a", kSeed + 1), 0).topics->size(), 2u);
    EXPECT_EQ(*table.note(hash_channel("b", kSeed + 1), 0).topics, std::vector<Topic*>{&ab});
    EXPECT_EQ(&table.acquire({"a"}), &a);
    EXPECT_EQ(note("a", 0).topics, nullptr);  // by its old hash
    table.release(a);
    table.release(a);
    table.release(ab);
    EXPECT_EQ(table.note(hash_channel("a", kSeed + 1), 64).topics, nullptr);
}

TEST_F(ChannelTableTest, KeepsTopicsOfThousandsOfChannelsAcrossRings) {
    std::vector<Topic*> topics;
    for (int i = 0; i < 5000; ++i)
        topics.push_back(&table.acquire({"c" + std::to_string(i)}));
    table.rebase(kSeed + 1);
    for (int i = 0; i < 5000; ++i) {
        auto& entry = table.note(hash_channel("c" + std::to_string(i), kSeed + 1), 64);
        ASSERT_NE(entry.topics, nullptr);
        ASSERT_EQ(entry.topics->front(), topics[static_cast<size_t>(i)]);
    }
    for (Topic* topic : topics)
        table.release(*topic);
}

}  // namespace
}  // namespace herald
