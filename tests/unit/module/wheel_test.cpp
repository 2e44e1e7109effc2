// The timer wheel: never early, at most a tick late, and free to be changed while it fires.
#include "wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace herald {
namespace {

class WheelTest : public testing::Test {
  protected:
    static constexpr uint64_t kStart = 1'000'000;  // milliseconds

    void SetUp() override {
        wheel.start(kStart);
        for (size_t i = 0; i < nodes.size(); ++i)
            nodes[i].owner = &names[i];
    }

    // Names what fires at kStart + `at`.
    std::string fired(uint64_t at) {
        std::string all;
        wheel.advance(kStart + at,
                      [&](Wheel::Node& node) { all += *static_cast<char*>(node.owner); });
        return all;
    }
    void set(size_t node, uint64_t at) { wheel.set(nodes[node], kStart + at); }

    Wheel wheel;
    std::array<Wheel::Node, 4> nodes;
    std::array<char, 4> names{'a', 'b', 'c', 'd'};
};

TEST_F(WheelTest, FiresWhatIsDue) {
    set(0, 100);
    EXPECT_EQ(fired(99), "");
    EXPECT_EQ(fired(100), "a");
    EXPECT_EQ(fired(200), "");
}

TEST_F(WheelTest, RoundsUpToTheTick) {
    set(0, 101);
    EXPECT_EQ(fired(149), "");
    EXPECT_EQ(fired(150), "a");
}

TEST_F(WheelTest, FiresThePastAtTheNextTick) {
    fired(1000);
    wheel.set(nodes[0], 0);
    EXPECT_EQ(fired(1049), "");
    EXPECT_EQ(fired(1050), "a");
}

TEST_F(WheelTest, FiresInTheOrderOfTheTicks) {
    set(0, 300);
    set(1, 100);
    set(2, 200);
    EXPECT_EQ(fired(1000), "bca");
}

TEST_F(WheelTest, FiresEqualDeadlinesInTheOrderInWhichTheyWereSet) {
    set(2, 100);
    set(0, 100);
    set(1, 100);
    EXPECT_EQ(fired(100), "cab");
}

TEST_F(WheelTest, KeepsADeadlineBeyondItsHorizon) {
    constexpr uint64_t kTurn = Wheel::kTick * Wheel::kSlots;
    set(0, 5 * kTurn + 100);
    for (uint64_t at = 0; at < 5 * kTurn + 100; at += Wheel::kTick)
        ASSERT_EQ(fired(at), "");
    EXPECT_EQ(fired(5 * kTurn + 100), "a");
}

TEST_F(WheelTest, CatchesUpWhenItsClockJumps) {
    constexpr uint64_t kTurn = Wheel::kTick * Wheel::kSlots;
    set(0, 100);
    set(1, 3 * kTurn);
    set(2, 100 * kTurn);
    std::string all = fired(4 * kTurn);
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, "ab");
    EXPECT_EQ(fired(100 * kTurn), "c");
}

TEST_F(WheelTest, IgnoresAClockThatGoesBack) {
    set(0, 200);
    fired(100);
    wheel.advance(kStart - 10000, [](Wheel::Node&) { FAIL(); });
    EXPECT_EQ(fired(200), "a");
}

TEST_F(WheelTest, MovesANodeThatIsSetAgain) {
    set(0, 100);
    set(0, 300);
    EXPECT_EQ(fired(299), "");
    EXPECT_EQ(fired(300), "a");
    EXPECT_TRUE(wheel.empty());
}

TEST_F(WheelTest, ForgetsACancelledNode) {
    set(0, 100);
    wheel.cancel(nodes[0]);
    wheel.cancel(nodes[0]);
    EXPECT_TRUE(wheel.empty());
    EXPECT_EQ(fired(100), "");
}

TEST_F(WheelTest, SaysWhenItIsNextDue) {
    set(0, 1000);
    EXPECT_EQ(wheel.next_due(), kStart + 1000);
    set(1, 120);
    EXPECT_EQ(wheel.next_due(), kStart + 150);
}

TEST_F(WheelTest, IsNextDueAtMostATurnAway) {
    set(0, 1'000'000'000);
    EXPECT_LE(wheel.next_due(), kStart + Wheel::kTick * Wheel::kSlots);
}

TEST_F(WheelTest, SaysOfANodeWhenItFires) {
    set(0, 120);
    EXPECT_EQ(Wheel::due_ms(nodes[0]), kStart + 150);
    EXPECT_EQ(fired(149), "");
    EXPECT_EQ(fired(150), "a");
}

// --- Inside of fire ---

TEST_F(WheelTest, LetsANodeBeSetAgainWhileItFires) {
    set(0, 100);
    std::vector<uint64_t> times;
    for (uint64_t at = 0; at <= 500; at += Wheel::kTick) {
        wheel.advance(kStart + at, [&](Wheel::Node& node) {
            times.push_back(at);
            wheel.set(node, kStart + at + 100);
        });
    }
    EXPECT_EQ(times, (std::vector<uint64_t>{100, 200, 300, 400, 500}));
}

TEST_F(WheelTest, DoesNotFireInTheSameAdvanceWhatFireSets) {
    constexpr uint64_t kTurn = Wheel::kTick * Wheel::kSlots;
    uint64_t now = kStart;
    for (uint64_t delay : {uint64_t{0}, Wheel::kTick, kTurn - Wheel::kTick, kTurn}) {
        wheel.set(nodes[0], now + 100);
        now += 3 * kTurn;
        int count = 0;
        wheel.advance(now, [&](Wheel::Node& node) {
            ++count;
            wheel.set(node, now + delay);
        });
        EXPECT_EQ(count, 1) << delay;
    }
}

TEST_F(WheelTest, DoesNotFireWhatFireCancels) {
    set(0, 100);
    set(1, 100);
    set(2, 100);
    std::string all;
    wheel.advance(kStart + 100, [&](Wheel::Node& node) {
        all += *static_cast<char*>(node.owner);
        wheel.cancel(nodes[1]);
    });
    EXPECT_EQ(all, "ac");
    EXPECT_TRUE(wheel.empty());
}

TEST_F(WheelTest, LetsFireMoveAnotherDueNode) {
    set(0, 100);
    set(1, 100);
    std::string all;
    wheel.advance(kStart + 100, [&](Wheel::Node& node) {
        all += *static_cast<char*>(node.owner);
        wheel.set(nodes[1], kStart + 300);
    });
    EXPECT_EQ(all, "a");
    EXPECT_EQ(fired(300), "b");
}

TEST_F(WheelTest, LetsFireDestroyItsNode) {  // AddressSanitizer watches
    auto* node = new Wheel::Node;
    wheel.set(*node, kStart + 100);
    wheel.advance(kStart + 100, [](Wheel::Node& due) { delete &due; });
    EXPECT_TRUE(wheel.empty());
}

// --- Against a model ---

TEST(WheelProperty, FiresEachOf100000TimersOnTimeAndOnce) {
    struct Timer {
        Wheel::Node node;
        uint64_t due = 0;  // 0: not set
    };
    constexpr uint64_t kOverdue = 100;  // milliseconds
    std::mt19937_64 random(20261121);
    Wheel wheel;
    uint64_t now = 123456789;
    wheel.start(now);
    auto timers = std::make_unique<Timer[]>(100000);
    size_t expected = 0, fired = 0;

    auto set = [&](Timer& timer) {
        expected += timer.due == 0;
        // Near, far and overdue deadlines.
        const uint64_t range = random() % 3 == 0 ? 200000 : 2000;
        timer.due = std::max<uint64_t>(1, now + random() % range - kOverdue);
        wheel.set(timer.node, timer.due);
    };
    for (size_t i = 0; i < 100000; ++i) {
        timers[i].node.owner = &timers[i];
        set(timers[i]);
    }

    uint64_t before = now;  // the last advance
    for (int round = 0; round < 6000; ++round) {
        now += random() % 50 == 0 ? random() % 60000 : random() % 100;
        wheel.advance(now, [&](Wheel::Node& node) {
            Timer& timer = *static_cast<Timer*>(node.owner);
            ASSERT_NE(timer.due, 0u) << "fired twice";
            ASSERT_LE(timer.due, now) << "early";
            // By the advance before this one it was due for less than a tick, or set overdue.
            if (timer.due <= before) {
                ASSERT_LT(before - timer.due, Wheel::kTick + kOverdue) << "missed";
            }
            timer.due = 0;
            ++fired;
            if (random() % 8 == 0)
                set(timer);
        });
        for (int i = 0; i < 20; ++i) {
            Timer& timer = timers[random() % 100000];
            if (random() % 2 == 0) {
                wheel.cancel(timer.node);
                expected -= timer.due != 0;
                timer.due = 0;
            } else {
                set(timer);
            }
        }
        before = now;
    }
    wheel.advance(now + 1000000, [&](Wheel::Node& node) {
        static_cast<Timer*>(node.owner)->due = 0;
        ++fired;
    });
    EXPECT_EQ(fired, expected);
    EXPECT_TRUE(wheel.empty());
    for (size_t i = 0; i < 100000; ++i)
        ASSERT_EQ(timers[i].due, 0u);
}

}  // namespace
}  // namespace herald
