// Fan-out of long segments to many: as pages of a file, and to whoever reads the same bytes.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
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
    // Whether a file is used for a segment of this size and so many more readers.
    bool uses_file(size_t size, int readers) {
        join_crowd(readers);
        append_and_seal(text(size));
        const uint64_t without = Lane::held_bytes();
        bool uses = false;
        while (!fan_out(1)) {
            const Segment& segment = lane->segment(lane->end() - 1);
            EXPECT_EQ(files(), segment.file == kNoPageFile ? 0u : 1u);
            EXPECT_EQ(Lane::held_bytes() - without,
                      segment.file == kNoPageFile ? 0u : segment.size());
            uses = uses || segment.file != kNoPageFile;
        }
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

TEST_F(LaneFile, IsNotForReadersThatCannotUseIt) {
    for (int i = 0; i < kMany; ++i)
        join(kSlotIndirect);
    EXPECT_FALSE(uses_file(kLong, 1));
    EXPECT_EQ(files(), 0u);
}

TEST_F(LaneFile, IsForReadersThatHaveBecomeDirect) {
    for (int i = 0; i < kMany; ++i)
        lane->make_direct(join(kSlotIndirect).slot);
    EXPECT_TRUE(uses_file(kLong, 1));
    expect_all_have_everything();
}

TEST_F(LaneFile, IsClosedWhenOnlyAFewStillReadIt) {
    join_crowd();
    Client& slow = join(0, 4096);
    Client& slower = join(kSlotBusy);
    for (int i = 0; i < 4; ++i)
        append_and_seal(text(kLong));
    fan_out();
    EXPECT_EQ(files(), 0u);
    EXPECT_GT(lane->held_bytes(), 4 * kLong);
    finish(slow);
    finish(slower);
    expect_all_have_everything();
}

TEST_F(LaneFile, LeavesMostFilesToOthers) {
    join_crowd(kMany, 4096);
    for (int i = 0; i < kMostPageFiles; ++i)
        append_and_seal(text(kLong));
    fan_out();
    EXPECT_GT(files(), 0u);
    EXPECT_LE(files(), static_cast<size_t>(kMostPageFiles) / 2);
    for (auto& client : clients)
        finish(*client);
    expect_all_have_everything();
}

// From here on this process may not call sendfile().
bool forbid_sendfile() {
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendfile, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{std::size(rules), rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_F(LaneFile, IsReadFromMemoryWhereTheKernelSendsNoPages) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    const auto deliver = [this] {
        if (!forbid_sendfile())
            std::exit(0);
        join_crowd();
        Client& slow = join(0, 4096);
        for (size_t size : {size_t{10}, kLong, kLong, size_t{10}})
            append_and_seal(text(size));
        fan_out();
        finish(slow);
        expect_all_have_everything();
        std::exit(HasFailure() ? 1 : 0);
    };
    EXPECT_EXIT(deliver(), testing::ExitedWithCode(0), "");
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
