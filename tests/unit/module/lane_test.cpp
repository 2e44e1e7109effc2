// A lane's segments: what is in them, who gets them, how long they are kept.
#include "lane_fixture.hpp"

namespace herald {
namespace {

// --- What goes out ---

TEST_F(LaneTest, SendsAnEventToEverySubscriber) {
    Client &a = join(), &b = join();
    append_and_seal("1");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(a.read(), "id: 00000001-1\ndata: 1\n\n");
    EXPECT_EQ(b.read(), a.received);
}

TEST_F(LaneTest, SendsNothingBeforeTheSeal) {
    Client& client = join();
    append("1");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(client.read(), "");
    lane->seal();
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(client.read(), stream);
}

TEST_F(LaneTest, SendsOnlyWhatCameAfterTheJoin) {
    append_and_seal("1");
    fan_out();
    Client& client = join();
    append_and_seal("2");
    fan_out();
    EXPECT_EQ(client.read(), "id: 00000001-2\ndata: 2\n\n");
}

TEST_F(LaneTest, SealsNothingAsNothing) {
    EXPECT_EQ(lane->seal(), 0u);
    EXPECT_EQ(lane->end(), 0u);
}

TEST_F(LaneTest, CountsSentBytesInTheSlot) {
    Client& client = join();
    append_and_seal("1");
    append_and_seal("2");
    fan_out();
    EXPECT_EQ(lane->slot(client.slot).bytes, stream.size());
}

TEST_F(LaneTest, SendsManySegmentsAtOnce) {
    Client& client = join();
    for (int i = 0; i < 200; ++i)  // more than one vector holds
        append_and_seal(std::to_string(i));
    uint32_t budget = 1;
    EXPECT_TRUE(lane->fan_out(*this, budget));
    EXPECT_EQ(client.read(), stream);
}

TEST_F(LaneTest, EncodesAsItsTransportSays) {
    open({Transport::WsText, false, true});
    Client& client = join();
    append("1");
    append("22");
    lane->seal();
    fan_out();
    EXPECT_EQ(client.read(),
              "\x81\x01"
              "1\x81\x02"
              "22");
}

TEST_F(LaneTest, KeepsNamesToItselfExceptThoseOfNotices) {
    open({Transport::Sse, false, false, false});
    Client& client = join();
    lane->append({EventId{1, 1}, "step", "", "1"}, true, 0);
    lane->append({EventId{1, 2}, "gap", "", "2"}, false, 0);
    lane->seal();
    fan_out();
    EXPECT_EQ(client.read(), "data: 1\n\nevent: gap\ndata: 2\n\n");
}

// --- Chunks ---

TEST_F(LaneTest, FramesManyEventsOfASegmentAsOneChunk) {
    open({Transport::Sse, true, false});
    Client& client = join();
    append("1");
    append("2");
    EXPECT_EQ(lane->seal(), 24u);
    fan_out();
    EXPECT_EQ(client.read(), "12\r\ndata: 1\n\ndata: 2\n\n\r\n");
}

TEST_F(LaneTest, FramesChunksOfEverySizeWithoutLeadingZeros) {
    open({Transport::Sse, true, false});
    Client& client = join();
    std::string expected_bytes;
    for (size_t size : {1u, 7u, 8u, 247u, 248u, 4087u, 4088u, 65527u, 65528u}) {
        std::string event;
        const std::string data(size, 'x');
        append_event(event, Transport::Sse, false, {std::nullopt, "", "", data});
        expected_bytes += chunk(event);
        append_and_seal(data);
        fan_out();
        client.read();
    }
    EXPECT_EQ(client.received, expected_bytes);
}

// --- Limits ---

TEST_F(LaneTest, SplitsSegmentsAtTheByteLimit) {
    lane->limit({4096, UINT32_MAX});
    Client& client = join();
    for (int i = 0; i < 100; ++i)
        append(std::string(200, 'x'));
    lane->seal();
    EXPECT_GT(lane->end(), 5u);
    for (uint64_t i = 0; i < lane->end(); ++i)
        EXPECT_LE(lane->segment(i).size(), 4096u);
    fan_out();
    EXPECT_EQ(client.read(), stream);
}

TEST_F(LaneTest, SplitsSegmentsAtTheEventLimit) {
    lane->limit({65536, 3});
    Client& client = join();
    for (int i = 0; i < 10; ++i)
        append("x");
    lane->seal();
    EXPECT_EQ(lane->end(), 4u);
    EXPECT_EQ(lane->events_before(3), 9u);
    fan_out();
    EXPECT_EQ(client.read(), stream);
}

TEST_F(LaneTest, DoesNotCountNoticesAsEvents) {
    lane->limit({65536, 2});
    join();
    append("1");
    append("notice", false);
    append("notice", false);
    append("2");
    lane->seal();
    EXPECT_EQ(lane->end(), 1u);
    EXPECT_EQ(lane->events_before(1), 2u);
}

TEST_F(LaneTest, GivesAnEventAboveTheLimitASegmentOfItsOwn) {
    lane->limit({1024, UINT32_MAX});
    Client& client = join();
    append("1");
    append(std::string(100000, 'x'));
    append("3");
    lane->seal();
    EXPECT_EQ(lane->end(), 3u);
    fan_out();
    EXPECT_EQ(client.read(), stream);
}

TEST_F(LaneTest, KeepsTheSmallestLimit) {
    lane->limit({4096, 5});
    lane->limit({100000, 100});
    for (int i = 0; i < 6; ++i)
        append("x");
    lane->seal();
    EXPECT_EQ(lane->end(), 2u);
}

// --- Positions ---

TEST_F(LaneTest, KnowsWhatLiesBeforeEachSegment) {
    Client& client = join();
    lane->set_busy(client.slot, 0);
    append("1");
    append("2");
    lane->seal();
    const uint64_t bytes = stream.size();
    append_and_seal("3");
    EXPECT_EQ(lane->events_before(0), 0u);
    EXPECT_EQ(lane->events_before(1), 2u);
    EXPECT_EQ(lane->events_before(2), 3u);
    EXPECT_EQ(lane->bytes_before(1), bytes);
    EXPECT_EQ(lane->bytes_before(2), stream.size());
    EXPECT_EQ(lane->seq_before(0), 0u);
    EXPECT_EQ(lane->seq_before(1), 2u);
    EXPECT_EQ(lane->seq_before(2), 3u);
    EXPECT_EQ(lane->segment(1).last_seq, 3u);
    EXPECT_EQ(lane->last_event_ms(), 3u);
}

TEST_F(LaneTest, RestartsItsSeqs) {
    append_and_seal("1");
    lane->restart_seq(100);
    EXPECT_EQ(lane->seq_before(lane->end()), 100u);
}

// --- Sockets that are full or gone ---

TEST_F(LaneTest, ReportsTheSubscriberThatBlocksAndWhere) {
    Client& client = join(0, 4096);
    append(std::string(100000, 'x'));
    lane->seal();
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "blocked ");
    EXPECT_GT(client.offset, 0u);
    EXPECT_EQ(client.offset, lane->slot(client.slot).bytes);
    EXPECT_EQ(client.read().size(), client.offset);
}

TEST_F(LaneTest, LetsABlockedSubscriberFinishLater) {
    Client &slow = join(0, 4096), &fast = join();
    for (int i = 0; i < 20; ++i) {
        append_and_seal(std::string(20000, static_cast<char>('a' + i)));
        fan_out();
        EXPECT_EQ(fast.read(), stream);
    }
    slow.read();
    while (!flush(slow))
        slow.read();
    EXPECT_EQ(slow.read(), stream);
    EXPECT_FALSE(lane->slot(slow.slot).flags & kSlotBusy);
}

TEST_F(LaneTest, ShowsBusySlotsInsteadOfSending) {
    Client& client = join(kSlotBusy);
    append_and_seal("1");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "busy ");
    EXPECT_EQ(client.read(), "");
    EXPECT_TRUE(flush(client));
    EXPECT_EQ(client.read(), stream);
}

TEST_F(LaneTest, AsksForIndirectSlots) {
    Client& client = join(kSlotIndirect);
    append_and_seal("1");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "indirect ");
    EXPECT_EQ(client.read(), stream);
}

TEST_F(LaneTest, MarksABrokenConnectionOnce) {
    Client& client = join();
    client.close_peer();
    append_and_seal("1");
    EXPECT_TRUE(fan_out());
    append_and_seal("2");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "broken ");
}

// --- How long segments live ---

TEST_F(LaneTest, FreesASegmentThatAllHave) {
    join();
    append_and_seal("1");
    EXPECT_GT(lane->held_bytes(), 0u);
    fan_out();
    EXPECT_EQ(lane->held_bytes(), 0u);
}

TEST_F(LaneTest, FreesASegmentThatNobodyWants) {
    append_and_seal("1");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(lane->held_bytes(), 0u);
}

TEST_F(LaneTest, KeepsWhatABusySlotNeeds) {
    Client& slow = join(kSlotBusy);
    join();
    append_and_seal("1");
    fan_out();
    const uint64_t one = lane->held_bytes();
    append_and_seal("2");
    fan_out();
    EXPECT_EQ(lane->held_bytes(), 2 * one);
    lane->set_busy(slow.slot, 1);
    lane->release();
    EXPECT_EQ(lane->held_bytes(), one);
    lane->set_busy(slow.slot, 2);
    lane->release();
    EXPECT_EQ(lane->held_bytes(), 0u);
}

TEST_F(LaneTest, FreesWhatALeavingBusySlotNeeded) {
    Client& slow = join(kSlotBusy);
    join();
    append_and_seal("1");
    fan_out();
    leave(slow);
    lane->release();
    EXPECT_EQ(lane->held_bytes(), 0u);
}

TEST_F(LaneTest, KeepsASegmentThatASubscriberHoldsAfterItsRelease) {
    Client& slow = join(0, 4096);
    append(std::string(50000, 'x'));
    lane->seal();
    fan_out();  // the lane has let go of it, the subscriber has not
    EXPECT_GT(lane->held_bytes(), 50000u);
    slow.read();
    while (!flush(slow))
        slow.read();
    EXPECT_EQ(lane->held_bytes(), 0u);
    EXPECT_EQ(slow.read(), stream);
}

TEST_F(LaneTest, FreesEverythingWhenTheLastSubscriberLeaves) {
    Client& client = join(kSlotBusy);
    append_and_seal("1");
    leave(client);
    EXPECT_EQ(lane->held_bytes(), 0u);
    EXPECT_EQ(lane->size(), 0u);
}

TEST_F(LaneTest, FreesWhatItHoldsAtItsEnd) {  // LeakSanitizer watches
    join(kSlotBusy);
    append_and_seal("sealed");
    append("building");
    lane.reset();
}

}  // namespace
}  // namespace herald
