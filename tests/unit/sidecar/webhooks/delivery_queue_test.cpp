// What is sent next, what has to wait, and how much there may be.
#include "sidecar/webhooks/delivery_queue.hpp"

#include <gtest/gtest.h>

namespace herald::sidecar {
namespace {

Delivery event(uint64_t seq, const std::string& channel, size_t size = 10) {
    Delivery delivery;
    delivery.id = {1, seq};
    delivery.channel = channel;
    delivery.data.assign(size, 'x');
    return delivery;
}

class DeliveryQueueTest : public testing::Test {
  protected:
    void add(uint64_t seq, const std::string& channel) { queue_.add(event(seq, channel), now_); }
    uint64_t take() {
        Delivery* delivery = queue_.take(now_);
        return delivery == nullptr ? 0 : delivery->id.seq;
    }
    Delivery& find(uint64_t seq) {
        Delivery* found = nullptr;
        queue_.each([&](Delivery& delivery) {
            if (delivery.id.seq == seq)
                found = &delivery;
        });
        return *found;
    }

    uint64_t now_ = 1000;
    DeliveryQueue queue_{4, 1 << 20};
};

TEST_F(DeliveryQueueTest, GivesTheOldestFirst) {
    add(1, "a");
    add(2, "b");
    EXPECT_EQ(take(), 1u);
    EXPECT_EQ(take(), 2u);
    EXPECT_EQ(take(), 0u);
}

TEST_F(DeliveryQueueTest, KeepsAChannelInOrder) {
    add(1, "a");
    add(2, "a");
    add(3, "b");
    EXPECT_EQ(take(), 1u);
    EXPECT_EQ(take(), 3u);
    EXPECT_EQ(take(), 0u);
    queue_.remove(find(1), now_);
    EXPECT_EQ(take(), 2u);
}

TEST_F(DeliveryQueueTest, HoldsBackTheChannelOfOneThatFailedAndNoOther) {
    add(1, "a");
    add(2, "a");
    add(3, "b");
    EXPECT_EQ(take(), 1u);
    queue_.retry(find(1), now_ + 500);
    EXPECT_EQ(queue_.failed(), 1u);
    EXPECT_EQ(take(), 3u);
    EXPECT_EQ(take(), 0u);
    EXPECT_EQ(queue_.next_due_ms(), 1500u);
    now_ = 1499;
    EXPECT_EQ(take(), 0u);
    now_ = 1500;
    EXPECT_EQ(take(), 1u);
    EXPECT_EQ(queue_.failed(), 0u);
}

TEST_F(DeliveryQueueTest, LetsRetriesPassWhatIsDueLater) {
    add(1, "a");
    EXPECT_EQ(take(), 1u);
    queue_.retry(find(1), 1100);
    now_ = 1200;
    add(2, "b");
    EXPECT_EQ(take(), 1u);
    EXPECT_EQ(take(), 2u);
}

TEST_F(DeliveryQueueTest, HurriesThoseThatFailed) {
    add(1, "a");
    add(2, "b");
    add(3, "c");
    take(), take();
    queue_.retry(find(1), 9000);
    queue_.retry(find(2), 1001);
    queue_.hurry([](uint64_t) { return 2000; });
    EXPECT_EQ(take(), 3u);
    now_ = 1001;
    EXPECT_EQ(take(), 2u);
    EXPECT_EQ(queue_.next_due_ms(), 2000u);
    now_ = 2000;
    EXPECT_EQ(take(), 1u);
}

TEST_F(DeliveryQueueTest, IsFullByNumber) {
    for (uint64_t seq = 1; seq <= 4; ++seq) {
        EXPECT_TRUE(queue_.has_room());
        add(seq, "a");
    }
    EXPECT_FALSE(queue_.has_room());
    take();
    EXPECT_FALSE(queue_.has_room());
    queue_.remove(find(1), now_);
    EXPECT_TRUE(queue_.has_room());
}

TEST_F(DeliveryQueueTest, IsFullByBytesButTakesOneOfAnySize) {
    DeliveryQueue queue(100, 1000);
    EXPECT_TRUE(queue.has_room());
    queue.add(event(1, "a", 5000), now_);
    EXPECT_FALSE(queue.has_room());
    EXPECT_EQ(queue.bytes(), 5001u);
    queue.remove(*queue.take(now_), now_);
    EXPECT_EQ(queue.bytes(), 0u);
    EXPECT_TRUE(queue.has_room());
}

TEST_F(DeliveryQueueTest, IsEmptyInTheEnd) {
    add(1, "a");
    add(2, "a");
    while (Delivery* delivery = queue_.take(now_))
        queue_.remove(*delivery, now_);
    EXPECT_EQ(queue_.size(), 0u);
    EXPECT_EQ(queue_.next_due_ms(), std::nullopt);
}

}  // namespace
}  // namespace herald::sidecar
