// Rounds of fan-out that stop half-way, and subscribers that come and go in the meantime.
#include "lane_fixture.hpp"

namespace herald {
namespace {

class LaneRound : public LaneTest {
  protected:
    // Five subscribers, of which a round has served the first two.
    void interrupt() {
        for (int i = 0; i < 5; ++i)
            five.push_back(&join());
        append_and_seal("1");
        EXPECT_FALSE(fan_out(2));
    }
    void finish() {
        EXPECT_TRUE(fan_out());
        for (auto& client : clients)
            EXPECT_EQ(client->read(), expected(*client));
        EXPECT_EQ(lane->held_bytes(), 0u);
    }

    std::vector<Client*> five;
};

TEST_F(LaneRound, StopsWhenTheBudgetIsUsedUp) {
    interrupt();
    EXPECT_EQ(five[1]->read(), stream);
    EXPECT_EQ(five[2]->read(), "");
    EXPECT_GT(lane->held_bytes(), 0u);
}

TEST_F(LaneRound, TakesItsSendsFromTheBudget) {
    interrupt();
    uint32_t budget = 10;
    EXPECT_TRUE(lane->fan_out(*this, budget));
    EXPECT_EQ(budget, 7u);
}

TEST_F(LaneRound, GoesOnWhereItStopped) {
    interrupt();
    finish();
}

TEST_F(LaneRound, TakesNewSegmentsAlong) {
    interrupt();
    append_and_seal("2");
    EXPECT_FALSE(fan_out(2));
    EXPECT_EQ(five[2]->read(), stream);
    EXPECT_EQ(five[0]->read(), "id: 00000001-1\ndata: 1\n\n");
    finish();
}

TEST_F(LaneRound, LosesNobodyWhenAServedOneLeaves) {
    interrupt();
    leave(*five[0]);
    finish();
}

TEST_F(LaneRound, LosesNobodyWhenTheLastServedOneLeaves) {
    interrupt();
    leave(*five[1]);
    finish();
}

TEST_F(LaneRound, LosesNobodyWhenAWaitingOneLeaves) {
    interrupt();
    leave(*five[2]);
    finish();
}

TEST_F(LaneRound, LosesNobodyWhenTheVeryLastOneLeaves) {
    interrupt();
    leave(*five[4]);
    finish();
}

TEST_F(LaneRound, LosesNobodyWhenAllServedOnesLeave) {
    interrupt();
    leave(*five[0]);
    leave(*five[1]);
    finish();
}

TEST_F(LaneRound, EndsWhenAllLeave) {
    interrupt();
    for (Client* client : five)
        leave(*client);
    EXPECT_EQ(lane->held_bytes(), 0u);
    Client& late = join();
    append_and_seal("2");
    finish();
    EXPECT_EQ(late.received, "id: 00000001-2\ndata: 2\n\n");
}

TEST_F(LaneRound, SendsANewcomerNothingOfTheRunningRound) {
    interrupt();
    Client& late = join();
    finish();
    EXPECT_EQ(late.received, "");
}

TEST_F(LaneRound, KeepsTheMembersIndexRight) {
    interrupt();
    leave(*five[0]);
    for (auto& client : clients)
        EXPECT_EQ(lane->slot(client->slot).member, client.get());
}

TEST_F(LaneRound, KeepsItsReferencesWhenABusySlotMoves) {
    Client& first = join();
    join();
    Client& busy = join(kSlotBusy);
    append_and_seal("1");
    EXPECT_FALSE(fan_out(1));
    leave(first);  // the busy one moves
    EXPECT_TRUE(fan_out());
    EXPECT_GT(lane->held_bytes(), 0u);
    EXPECT_TRUE(flush(busy));
    lane->release();
    EXPECT_EQ(busy.read(), stream);
    EXPECT_EQ(lane->held_bytes(), 0u);
}

}  // namespace
}  // namespace herald
