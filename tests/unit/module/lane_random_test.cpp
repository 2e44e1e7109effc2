// Whatever the order of joins, leaves, budgets, full sockets and slow readers: every subscriber
// gets exactly the bytes from its join on, and no segment stays behind.
#include <random>

#include "lane_fixture.hpp"

namespace herald {
namespace {

struct Case {
    uint64_t seed;
    Encoding encoding;
    bool batched = false;
};

class LaneProperty : public LaneTest, public testing::WithParamInterface<Case> {
  protected:
    void SetUp() override {
        open(GetParam().encoding);
        random.seed(GetParam().seed);
        if (GetParam().batched && !open_batch())
            GTEST_SKIP() << "no io_uring here";
    }

    uint64_t pick(uint64_t below) { return random() % below; }
    Client& any() { return *clients[pick(clients.size())]; }
    std::string decoded(const std::string& bytes) const {
        return lane->encoding().chunked ? unchunked(bytes) : bytes;
    }

    void publish() {
        for (uint64_t i = pick(6); i > 0; --i)
            append(std::string(pick(8) == 0 ? pick(20000) : pick(200), 'x'), pick(4) != 0);
        lane->seal();
    }
    void join_any() {
        const uint32_t flags = pick(4) == 0 ? kSlotIndirect : pick(4) == 0 ? kSlotBusy : 0u;
        join(flags, pick(2) == 0 ? 4096 : 0);
    }
    void finish_busy(Client& client) {
        if (lane->slot(client.slot).flags & kSlotBusy)
            flush(client);
    }

    // What a leaving subscriber got is a prefix of what it was to get.
    void check_leaver(Client& client) {
        client.read();
        if (lane->encoding().chunked)
            return;  // may end inside of a chunk
        EXPECT_EQ(client.received, expected(client).substr(0, client.received.size()));
    }

    void step() {
        switch (pick(8)) {
            case 0:
                if (clients.size() < 60)
                    join_any();
                break;
            case 1:
                if (!clients.empty() && pick(2) == 0) {
                    Client& client = any();
                    check_leaver(client);
                    leave(client);
                }
                break;
            case 2:
            case 3:
                publish();
                break;
            case 4:
            case 5:
                fan_out(static_cast<uint32_t>(pick(20)));
                break;
            case 6:
                if (!clients.empty())
                    any().read(pick(30000));
                break;
            default:
                if (!clients.empty())
                    finish_busy(any());
                lane->release();
        }
    }

    // Everyone reads until nothing comes any more.
    void settle() {
        EXPECT_TRUE(fan_out());
        for (auto& client : clients) {
            client->read();
            while ((lane->slot(client->slot).flags & kSlotBusy) && !flush(*client))
                client->read();
            client->read();
        }
        lane->release();
    }

    std::mt19937_64 random;
};

TEST_P(LaneProperty, EveryReaderGetsExactlyTheBytesFromItsJoinOn) {
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 100; ++i)
            step();
        settle();
        for (auto& client : clients) {
            const bool equal = decoded(client->received) == expected(*client);
            ASSERT_TRUE(equal) << "round " << round << ", slot " << client->slot;
            client->received.clear();
            client->joined_at = 0;
        }
        stream.clear();
        ASSERT_EQ(lane->held_bytes(), 0u) << "round " << round;
        ASSERT_EQ(lane->size(), clients.size());
    }
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        all.push_back({seed, {Transport::Sse, true, true}});
        all.push_back({seed, {Transport::Sse, false, true}});
        all.push_back({seed, {Transport::WsEnvelope, false, true}});
        if (seed > 5)
            continue;
        all.push_back({seed, {Transport::Sse, true, true}, true});
        all.push_back({seed, {Transport::WsEnvelope, false, true}, true});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Seeds, LaneProperty, testing::ValuesIn(cases()), [](const auto& tested) {
    return "encoding" + std::to_string(tested.param.encoding.index()) + "_seed" +
           std::to_string(tested.param.seed) + (tested.param.batched ? "_batched" : "");
});

}  // namespace
}  // namespace herald
