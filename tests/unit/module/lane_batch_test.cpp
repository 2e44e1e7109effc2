// Fan-out through io_uring: the same bytes, the same calls and the same slots as one `send` after
// the other, whatever the sockets do.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <filesystem>
#include <new>

#include "lane_fixture.hpp"

namespace herald {
namespace {

class LaneBatch : public LaneTest {
  protected:
    void SetUp() override {
        LaneTest::SetUp();
        if (!open_batch())
            GTEST_SKIP() << "no io_uring here";
    }

    void join_crowd(int count = 5) {
        for (int i = 0; i < count; ++i)
            join();
    }
    void expect_all_have_everything() {
        for (auto& client : clients) {
            EXPECT_EQ(client->read(), expected(*client));
            EXPECT_EQ(lane->slot(client->slot).bytes, expected(*client).size());
        }
        EXPECT_EQ(lane->held_bytes(), 0u);
    }
    // Reads, and sends what is left, until a blocked client has everything.
    void catch_up(Client& client) {
        do
            client.read();
        while (!flush(client));
        client.read();
        lane->release();
    }
    // The batch's ring is pulled from under it.
    static void break_ring() {
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code gone;
            if (std::filesystem::read_symlink(entry, gone) == "anon_inode:[io_uring]")
                dup2(null, std::stoi(entry.path().filename()));
        }
    }
    static inline const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
};

TEST_F(LaneBatch, SendsNothingBeforeItIsFlushed) {
    join_crowd();
    append_and_seal("1");
    uint32_t budget = kEndless;
    EXPECT_TRUE(lane->fan_out(*this, budget, batch.get()));
    EXPECT_FALSE(batch->is_empty());
    EXPECT_EQ(clients[0]->read(), "");
    Lane::flush(*batch, *this);
    lane->end_round();
    expect_all_have_everything();
}

TEST_F(LaneBatch, KeepsItsSegmentUntilItIsFlushed) {
    join_crowd();
    append_and_seal("1");
    uint32_t budget = kEndless;
    lane->fan_out(*this, budget, batch.get());
    lane->release();
    EXPECT_GT(lane->held_bytes(), 0u);
    Lane::flush(*batch, *this);
    lane->end_round();
    EXPECT_EQ(lane->held_bytes(), 0u);
}

TEST_F(LaneBatch, SendsAlsoWhatDoesNotFitIntoOne) {
    join_crowd(SendBatch::kMost + 50);
    append_and_seal("1");
    uint32_t budget = kEndless;
    lane->fan_out(*this, budget, batch.get());
    EXPECT_EQ(clients[0]->read(), stream);
    EXPECT_EQ(clients.back()->read(), "");
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
}

TEST_F(LaneBatch, SendsManySegmentsAtOnce) {
    join_crowd();
    append_and_seal("1");
    append_and_seal("2");
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
}

TEST_F(LaneBatch, TakesItsSendsFromTheBudget) {
    join_crowd(5);
    append_and_seal("1");
    EXPECT_FALSE(fan_out(4));
    EXPECT_EQ(clients[3]->read(), stream);
    EXPECT_EQ(clients[4]->read(), "");
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
}

TEST_F(LaneBatch, SendsWhatCameDuringARoundBehindTheRound) {
    join_crowd(5);
    append_and_seal("1");
    EXPECT_FALSE(fan_out(2));
    append_and_seal("2");
    append_and_seal("3");
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
}

TEST_F(LaneBatch, SaysWhereAFullSocketStopped) {
    join_crowd();
    Client& slow = join(0, 4096);
    append_and_seal(std::string(50000, 'x'));
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "blocked ");
    EXPECT_GT(slow.offset, 0u);
    EXPECT_EQ(lane->slot(slow.slot).bytes, slow.offset);
    catch_up(slow);
    EXPECT_EQ(slow.received, stream);
    EXPECT_EQ(clients[0]->read(), stream);
}

TEST_F(LaneBatch, LeavesAFullSocketAlone) {
    join_crowd();
    Client& slow = join(0, 4096);
    while (send(slow.socket, "x", 1, MSG_DONTWAIT) == 1) {
    }
    append_and_seal("1");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "blocked ");
    EXPECT_EQ(slow.offset, 0u);
    EXPECT_EQ(lane->slot(slow.slot).bytes, 0u);
    append_and_seal("2");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "blocked busy ");
}

TEST_F(LaneBatch, MarksABrokenConnectionAndServesTheOthers) {
    join_crowd();
    clients[2]->close_peer();
    append_and_seal("1");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "broken ");
    Slot& dead = lane->slot(clients[2]->slot);
    EXPECT_TRUE(dead.flags & kSlotDead);
    EXPECT_EQ(dead.bytes, 0u);
    EXPECT_EQ(dead.next, 0u);
    append_and_seal("2");
    EXPECT_TRUE(fan_out());
    EXPECT_EQ(calls, "broken ");
    leave(*clients[2]);
    expect_all_have_everything();
}

TEST_F(LaneBatch, FollowsConnectionsWhoseSlotsMove) {
    join_crowd();
    append_and_seal("1");
    EXPECT_FALSE(fan_out(3));
    leave(*clients[0]);
    leave(*clients[3]);
    EXPECT_TRUE(fan_out());
    append_and_seal("2");
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
}

TEST_F(LaneBatch, SendsNothingToASocketThatTookAClosedOnesNumber) {
    join_crowd();
    append_and_seal("1");
    fan_out();
    const int closed = clients.back()->socket;
    leave(*clients.back());
    Client stranger;
    ASSERT_TRUE(stranger.socket == closed || stranger.peer == closed);
    append_and_seal("2");
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
    EXPECT_EQ(stranger.read(), "");
    char byte;
    EXPECT_EQ(recv(stranger.socket, &byte, 1, 0), -1);
}

TEST_F(LaneBatch, ServesSlotsOfManyLanes) {
    std::vector<std::unique_ptr<Lane>> lanes;
    std::vector<std::unique_ptr<Client>> members;
    for (int i = 0; i < 20; ++i) {
        lanes.push_back(std::make_unique<Lane>(Encoding{Transport::Sse, false, false}, 0));
        members.push_back(std::make_unique<Client>());
        lanes[i]->join(*members[i], members[i]->socket, 0);
        const std::string data = std::to_string(i);
        lanes[i]->append({EventId{1, 1}, "", "", data}, true, 0);
        lanes[i]->seal();
    }
    members[7]->close_peer();
    uint32_t budget = kEndless;
    for (auto& own : lanes)
        EXPECT_TRUE(own->fan_out(*this, budget, batch.get()));
    Lane::flush(*batch, *this);
    EXPECT_EQ(calls, "broken ");
    for (int i = 0; i < 20; ++i) {
        lanes[i]->end_round();
        if (i == 7)
            EXPECT_TRUE(lanes[i]->slot(0).flags & kSlotDead);
        else
            EXPECT_EQ(members[i]->read(), "data: " + std::to_string(i) + "\n\n");
    }
    EXPECT_EQ(Lane::held_bytes(), 0u);
}

TEST_F(LaneBatch, SendsEverythingWithoutARingThatFails) {
    join_crowd();
    clients[1]->close_peer();
    append_and_seal("1");
    break_ring();
    EXPECT_TRUE(fan_out());
    EXPECT_NE(batch->failure(), 0);
    EXPECT_EQ(calls, "broken ");
    leave(*clients[1]);
    append_and_seal("2");
    EXPECT_TRUE(fan_out());
    expect_all_have_everything();
}

// Memory may run out while one slot is dealt with.
struct Thrower {
    void blocked(Slot&, uint32_t, uint64_t, uint64_t) {}
    void indirect(Slot&, uint32_t) {}
    void busy(Slot&, uint32_t) {}
    void broken(Slot&, uint32_t) {
        ++called;
        throw std::bad_alloc();
    }
    int called = 0;
};

TEST_F(LaneBatch, DealsWithAllSlotsBeforeAnExceptionGoesOn) {
    join_crowd();
    clients[1]->close_peer();
    clients[3]->close_peer();
    append_and_seal("1");
    uint32_t budget = kEndless;
    Thrower thrower;
    lane->fan_out(thrower, budget, batch.get());
    EXPECT_THROW(Lane::flush(*batch, thrower), std::bad_alloc);
    EXPECT_EQ(thrower.called, 2);
    EXPECT_TRUE(batch->is_empty());
    EXPECT_TRUE(lane->slot(clients[1]->slot).flags & kSlotDead);
    EXPECT_TRUE(lane->slot(clients[3]->slot).flags & kSlotDead);
}

// -- Refusals

// This process gets `error` from io_uring_setup from here on, where it asks for more than
// `entries`.
bool forbid_io_uring(int error, uint32_t entries = 0) {
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, entries, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{std::size(rules), rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

void print_refusal(int error) {
    std::string refusal = "no seccomp here";
    if (forbid_io_uring(error))
        refusal = SendBatch::open(refusal) ? "opened" : refusal;
    std::cerr << refusal << '\n';
    std::exit(0);
}

TEST(SendBatchRefusal, SaysWhatForbidsIt) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(print_refusal(EPERM), testing::ExitedWithCode(0),
                "io_uring_setup.. failed: Operation not permitted; it is forbidden here");
}

TEST(SendBatchRefusal, SaysThatTheKernelHasNone) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(print_refusal(ENOSYS), testing::ExitedWithCode(0),
                "io_uring_setup.. failed: Function not implemented; this kernel has no io_uring");
}

TEST(SendBatchRefusal, SaysThatMemoryMustNotBeLocked) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(print_refusal(ENOMEM), testing::ExitedWithCode(0),
                "failed: Cannot allocate memory; where the kernel counts it as locked memory, a "
                "higher limit");
}

void print_room(uint32_t entries) {
    std::string refusal;
    uint32_t room = 0;
    if (!forbid_io_uring(ENOMEM, entries))
        room = entries;
    else if (const auto batch = SendBatch::open(refusal)) {
        for (; !batch->is_full(); ++room)
            batch->add({});
    }
    std::cerr << room << " sends " << refusal << '\n';
    std::exit(0);
}

TEST_F(LaneBatch, IsSmallerWhereTheKernelHasNoRoomForMore) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(print_room(256), testing::ExitedWithCode(0), "256 sends");
}

}  // namespace
}  // namespace herald
