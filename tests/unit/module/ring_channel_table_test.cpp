// The writer's memory of channels, against a map.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "ring/channel_table.hpp"

namespace herald::ring {
namespace {

constexpr auto kAny = [](uint64_t) { return true; };

uint64_t put(ChannelTable& table, uint64_t hash, uint64_t position) {
    table.reserve();
    return table.assign(hash, position, kAny);
}

TEST(RingChannelTable, GivesTheRecordBefore) {
    ChannelTable table;
    EXPECT_EQ(put(table, 7, 0), kNoPosition);
    EXPECT_EQ(put(table, 7, 64), 0u);
    EXPECT_EQ(put(table, 7, 128), 64u);
    EXPECT_EQ(table.size(), 1u);
}

TEST(RingChannelTable, ForgetsAChannelWithItsNewestRecordOnly) {
    ChannelTable table;
    table.erase(7, 0);
    put(table, 7, 0);
    put(table, 7, 64);
    table.erase(7, 0);
    EXPECT_EQ(table.size(), 1u);
    table.erase(7, 64);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(put(table, 7, 128), kNoPosition);
}

TEST(RingChannelTable, TellsChannelsOfOneHashApart) {
    ChannelTable table;
    const auto is_even = [](uint64_t position) { return position % 2 == 0; };
    const auto is_odd = [](uint64_t position) { return position % 2 == 1; };
    table.reserve();
    EXPECT_EQ(table.assign(7, 2, is_even), kNoPosition);
    table.reserve();
    EXPECT_EQ(table.assign(7, 3, is_odd), kNoPosition);
    EXPECT_EQ(table.size(), 2u);
    EXPECT_EQ(table.assign(7, 4, is_even), 2u);
    EXPECT_EQ(table.assign(7, 5, is_odd), 3u);
    table.erase(7, 4);
    EXPECT_EQ(table.assign(7, 7, is_odd), 5u);
}

// Few hashes, of which many share their low bits: long probes, holes in the middle of them.
TEST(RingChannelTable, IsAMapThroughRandomChanges) {
    ChannelTable table;
    std::map<uint64_t, uint64_t> expected;
    std::mt19937_64 random(1);
    for (uint64_t position = 0; position < 200'000; ++position) {
        const uint64_t hash = (random() % 40) << 32 | random() % 40;
        const auto found = expected.find(hash);
        if (random() % 5 < 2 && found != expected.end()) {
            table.erase(hash, found->second);
            expected.erase(found);
        } else {
            ASSERT_EQ(put(table, hash, position),
                      found == expected.end() ? kNoPosition : found->second);
            expected[hash] = position;
        }
        ASSERT_EQ(table.size(), expected.size());
    }
}

TEST(RingChannelTable, BeginsAnew) {
    ChannelTable table;
    put(table, 7, 0);
    table.clear();
    table.erase(7, 0);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(put(table, 7, 64), kNoPosition);
}

}  // namespace
}  // namespace herald::ring
