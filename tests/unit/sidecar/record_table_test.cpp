// Records by key, in the order in which they were touched.
#include "sidecar/views/record_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace herald::sidecar {
namespace {

using Table = RecordTable<int>;

std::vector<int> in_order(const Table& table) {
    std::vector<int> values;
    for (auto number = table.oldest(); number != Table::kNone; number = table.next(number))
        values.push_back(table.value(number));
    return values;
}

TEST(RecordTable, FindsWhatIsThere) {
    Table table;
    EXPECT_EQ(table.find(RecordKey::of("a")), Table::kNone);
    const auto a = table.add(RecordKey::of("a"));
    table.value(a) = 1;
    EXPECT_EQ(table.find(RecordKey::of("a")), a);
    EXPECT_EQ(table.find(RecordKey::of("b")), Table::kNone);
    EXPECT_EQ(table.key(a), RecordKey::of("a"));
    table.remove(a);
    EXPECT_EQ(table.find(RecordKey::of("a")), Table::kNone);
    EXPECT_EQ(table.size(), 0u);
}

TEST(RecordTable, PutsWhatIsTouchedLast) {
    Table table;
    std::vector<Table::Number> numbers;
    for (int i = 0; i < 4; ++i) {
        numbers.push_back(table.add(RecordKey::of(std::to_string(i))));
        table.value(numbers.back()) = i;
    }
    EXPECT_THAT(in_order(table), testing::ElementsAre(0, 1, 2, 3));
    table.touch(numbers[0]);
    table.touch(numbers[2]);
    table.touch(numbers[2]);
    EXPECT_THAT(in_order(table), testing::ElementsAre(1, 3, 0, 2));
    table.remove(numbers[3]);
    table.remove(numbers[1]);
    EXPECT_THAT(in_order(table), testing::ElementsAre(0, 2));
    table.remove(numbers[2]);
    table.remove(numbers[0]);
    EXPECT_THAT(in_order(table), testing::IsEmpty());
}

// Keys whose places are next to each other and beyond the end: what deleting must not break.
TEST(RecordTable, IsWhatAMapWouldBe) {
    std::mt19937 random(7);
    Table table;
    std::unordered_map<uint64_t, int> expected;
    for (int step = 0; step < 50'000; ++step) {
        const uint64_t low = random() % 600;
        const RecordKey key{low % 256, low};
        const auto number = table.find(key);
        const auto found = expected.find(low);
        ASSERT_EQ(number == Table::kNone, found == expected.end()) << step;
        if (number == Table::kNone) {
            table.value(table.add(key)) = step;
            expected[low] = step;
        } else if (random() % 2 == 0) {
            ASSERT_EQ(table.value(number), found->second) << step;
            table.remove(number);
            expected.erase(found);
        } else {
            table.touch(number);
        }
        ASSERT_EQ(table.size(), expected.size());
    }
    std::vector<int> values = in_order(table), wanted;
    for (const auto& [key, value] : expected)
        wanted.push_back(value);
    std::sort(values.begin(), values.end());
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(values, wanted);
}

}  // namespace
}  // namespace herald::sidecar
