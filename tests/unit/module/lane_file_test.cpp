// Fan-out of long segments to many: as pages of a file, and to whoever reads the same bytes.
#include <csignal>
#include <filesystem>

#include "lane_fixture.hpp"

namespace herald {
namespace {

class LaneFile : public LaneTest {
  protected:
    static constexpr size_t kLong = 40 << 10;
    static constexpr int kMany = 40;

    void SetUp() override {
        LaneTest::SetUp();
        std::signal(SIGPIPE, SIG_IGN);
    }
    void join_crowd(int count = kMany, int send_buffer = 0) {
        for (int i = 0; i < count; ++i)
            join(0, send_buffer);
    }
    static std::string text(size_t size) { return std::string(size, 'x'); }

    // The files that are open.
    static size_t files() {
        size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code gone;
            const std::string target = std::filesystem::read_symlink(entry, gone);
            count += target.starts_with("/memfd:herald-segment");
        }
        return count;
    }
    // Whether a file is used for a segment of this size and so many readers.
    bool uses_file(size_t size, int readers) {
        Client& behind = join(kSlotBusy);
        join_crowd(readers - 1);
        append_and_seal(text(size));
        fan_out();
        EXPECT_EQ(files(), lane->segment(0).file == kNoPageFile ? 0u : 1u);
        const bool uses = lane->segment(0).file != kNoPageFile;
        EXPECT_EQ(lane->held_bytes(),
                  lane->segment(0).capacity + (uses ? lane->segment(0).size() : 0u));
        finish(behind);
        return uses;
    }
    void finish(Client& client) {
        do
            client.read();
        while (!flush(client));
        client.read();
        lane->release();
    }
    void expect_all_have_everything() {
        for (auto& client : clients) {
            EXPECT_TRUE(client->read() == expected(*client));
            EXPECT_EQ(lane->slot(client->slot).next, lane->end());
        }
        EXPECT_EQ(lane->held_bytes(), 0u);
        EXPECT_EQ(files(), 0u);
    }
};

TEST_F(LaneFile, IsForLongSegmentsAndManyReaders) {
    EXPECT_TRUE(uses_file(kLong, kMany));
    expect_all_have_everything();
}

TEST_F(LaneFile, IsNotForShortSegments) {
    EXPECT_FALSE(uses_file(10 << 10, kMany));
    expect_all_have_everything();
}

TEST_F(LaneFile, IsNotForFewReaders) {
    EXPECT_FALSE(uses_file(kLong, 20));
    expect_all_have_everything();
}

TEST_F(LaneFile, GoesPastIoUring) {
    if (!open_batch())
        GTEST_SKIP() << "no io_uring here";
    EXPECT_TRUE(uses_file(kLong, kMany));
    append_and_seal("short");
    fan_out();
    expect_all_have_everything();
}

TEST_F(LaneFile, HasNeighboursWithoutOne) {
    join_crowd();
    for (size_t size : {size_t{10}, kLong, size_t{10}, size_t{20}, kLong, kLong, size_t{10}})
        append_and_seal(text(size));
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
}

TEST_F(LaneFile, IsChunked) {
    open({Transport::Sse, true, true});
    join_crowd();
    append_and_seal(text(kLong));
    EXPECT_TRUE(fan_out());
    for (auto& client : clients)
        EXPECT_TRUE(unchunked(client->read()) == expected(*client));
}

TEST_F(LaneFile, GoesOnWhereASocketWasFull) {
    join_crowd(kMany, 4096);
    for (int i = 0; i < 4; ++i)
        append_and_seal(text(kLong));
    fan_out();
    for (auto& client : clients) {
        const Slot& slot = lane->slot(client->slot);
        ASSERT_TRUE(slot.flags & kSlotBusy);
        EXPECT_GT(slot.bytes, 0u);
        EXPECT_LT(slot.bytes, stream.size());
    }
    EXPECT_GT(files(), 0u);
    for (auto& client : clients)
        finish(*client);
    expect_all_have_everything();
}

TEST_F(LaneFile, IsHeldByWhoeverIsInTheMiddleOfIt) {
    join_crowd();
    Client& slow = join(0, 4096);
    for (int i = 0; i < 4; ++i)
        append_and_seal(text(kLong));
    fan_out();
    ASSERT_NE(slow.partial, nullptr);
    for (int i = 0; i < kMany; ++i)
        leave(*clients.front());
    EXPECT_GT(files(), 0u);
    finish(slow);
    expect_all_have_everything();
}

TEST_F(LaneFile, TellsOfAReaderThatHasGone) {
    join_crowd();
    clients[3]->close_peer();
    append_and_seal(text(kLong));
    fan_out();
    EXPECT_EQ(calls, "broken ");
    EXPECT_TRUE(clients[4]->read() == stream);
}

}  // namespace
}  // namespace herald
