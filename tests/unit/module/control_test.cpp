// The control protocol's frames, and descriptors on their way through a socket.
#include "ring/control.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <iterator>
#include <utility>

namespace herald::ring::control {
namespace {

class ControlFrame : public testing::Test {
  protected:
    FrameHeader header;
    std::string_view payload;
};

TEST_F(ControlFrame, IsHeaderAndPayload) {
    const std::string bytes = frame(Type::Hello, Hello{4711, 0});
    ASSERT_EQ(bytes.size(), 24u);
    ASSERT_EQ(parse(bytes, header, payload), Parse::Frame);
    EXPECT_EQ(header.type, Type::Hello);
    Hello hello;
    ASSERT_TRUE(decode(payload, hello));
    EXPECT_EQ(hello.pid, 4711u);
}

TEST_F(ControlFrame, StartsWithItsMagic) {
    EXPECT_EQ(frame(Type::Attach, Attach{1}).substr(0, 4), "HRLC");
}

TEST_F(ControlFrame, NeedsMoreAtEveryTruncation) {
    const std::string bytes = frame(Type::Attach, Attach{1 << 20});
    for (size_t size = 1; size < bytes.size(); ++size)
        EXPECT_EQ(parse(std::string_view(bytes).substr(0, size), header, payload), Parse::NeedMore)
            << size;
}

TEST_F(ControlFrame, NeedsMoreOfNothing) {
    EXPECT_EQ(parse("", header, payload), Parse::NeedMore);
    EXPECT_EQ(parse({}, header, payload), Parse::NeedMore);
}

TEST_F(ControlFrame, LeavesWhatFollowsAlone) {
    const std::string bytes = frame(Type::Hello, Hello{1, 0}) + frame(Type::Attach, Attach{2});
    ASSERT_EQ(parse(bytes, header, payload), Parse::Frame);
    EXPECT_EQ(payload.size(), sizeof(Hello));
    const auto rest = std::string_view(bytes).substr(sizeof header + payload.size());
    ASSERT_EQ(parse(rest, header, payload), Parse::Frame);
    EXPECT_EQ(header.type, Type::Attach);
}

TEST_F(ControlFrame, RejectsABadMagicAtItsFirstWrongByte) {
    EXPECT_EQ(parse("G", header, payload), Parse::BadMagic);
    EXPECT_EQ(parse("HRLX", header, payload), Parse::BadMagic);
    EXPECT_EQ(parse("GET / HTTP/1.1\r\n", header, payload), Parse::BadMagic);
}

TEST_F(ControlFrame, ReportsTheOthersVersion) {
    FrameHeader other;
    other.version = 9;
    other.length = UINT32_MAX;  // a later version may mean something else by it
    const std::string bytes(reinterpret_cast<const char*>(&other), sizeof other);
    ASSERT_EQ(parse(bytes, header, payload), Parse::BadVersion);
    EXPECT_EQ(header.version, 9);
}

TEST_F(ControlFrame, AcceptsTheLongestPayload) {
    const std::string bytes = refusal(std::string(kMaxPayload, 'r'));
    ASSERT_EQ(parse(bytes, header, payload), Parse::Frame);
    EXPECT_EQ(payload.size(), kMaxPayload);
}

TEST_F(ControlFrame, RejectsALongerPayloadBeforeItCame) {
    const std::string bytes = refusal(std::string(kMaxPayload + 1, 'r'));
    EXPECT_EQ(parse(std::string_view(bytes).substr(0, 16), header, payload), Parse::BadLength);
    EXPECT_EQ(header.length, kMaxPayload + 1);
}

TEST_F(ControlFrame, CarriesTheTextOfARefusal) {
    const std::string bytes = refusal("not today");
    ASSERT_EQ(parse(bytes, header, payload), Parse::Frame);
    EXPECT_EQ(header.type, Type::Refused);
    EXPECT_EQ(payload, "not today");
}

TEST_F(ControlFrame, DecodesOnlyTheExactSize) {
    Attach attach;
    EXPECT_TRUE(decode(std::string(8, 'x'), attach));
    EXPECT_FALSE(decode(std::string(7, 'x'), attach));
    EXPECT_FALSE(decode(std::string(9, 'x'), attach));
    EXPECT_FALSE(decode("", attach));
}

// --- Descriptors ---

class ControlSocket : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); }
    void TearDown() override {
        for (int fd : ends)
            close(fd);
        for (int i = 0; i < count; ++i)
            close(received[i]);
    }

    ssize_t receive() {
        return receive_with_descriptors(ends[1], bytes.data(), bytes.size(), received, count);
    }
    static std::ptrdiff_t open_descriptors() {
        const std::filesystem::directory_iterator all("/proc/self/fd");
        return std::distance(begin(all), end(all));
    }
    static ino_t inode(int fd) {
        struct stat status {};
        EXPECT_EQ(fstat(fd, &status), 0);
        return status.st_ino;
    }

    int ends[2] = {-1, -1};
    std::array<char, 256> bytes{};
    int received[kMaxDescriptors] = {};
    int count = 0;
};

TEST_F(ControlSocket, PassesDescriptorsInOrder) {
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    ASSERT_EQ(send_with_descriptors(ends[0], "frame", pipes, 2), 5);
    ASSERT_EQ(receive(), 5);
    EXPECT_EQ(std::string_view(bytes.data(), 5), "frame");
    ASSERT_EQ(count, 2);
    EXPECT_NE(received[0], pipes[0]);

    ASSERT_EQ(write(pipes[1], "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(read(received[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
    close(pipes[0]);
    close(pipes[1]);
}

TEST_F(ControlSocket, ReceivesDescriptorsCloseOnExec) {
    ASSERT_EQ(send_with_descriptors(ends[0], "x", ends, 1), 1);
    ASSERT_EQ(receive(), 1);
    ASSERT_EQ(count, 1);
    EXPECT_NE(fcntl(received[0], F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ControlSocket, PassesAsManyDescriptorsAsAFrameMayHave) {
    const int fds[kMaxDescriptors] = {ends[0], ends[1], ends[0], ends[1]};
    ASSERT_EQ(send_with_descriptors(ends[0], "x", fds, kMaxDescriptors), 1);
    ASSERT_EQ(receive(), 1);
    ASSERT_EQ(count, kMaxDescriptors);
    for (int i = 0; i < count; ++i)
        EXPECT_EQ(inode(received[i]), inode(fds[i]));
}

TEST_F(ControlSocket, KeepsNoneOfTheDescriptorsThatAreTooMany) {
    // Sent by hand: no honest peer does this. The kernel closes what finds no room.
    constexpr size_t kMany = 16;
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kMany)] = {};
    char byte = 'x';
    iovec vector{&byte, 1};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * kMany);
    for (size_t i = 0; i < kMany; ++i)
        std::memcpy(CMSG_DATA(head) + i * sizeof(int), &ends[0], sizeof(int));
    const auto open_before = open_descriptors();

    ASSERT_EQ(sendmsg(ends[0], &message, 0), 1);
    ASSERT_EQ(receive(), 1);
    EXPECT_LE(count, kMaxDescriptors);
    EXPECT_EQ(open_descriptors(), open_before + count);  // none is open that nobody knows of
}

TEST_F(ControlSocket, SendsWithoutDescriptors) {
    ASSERT_EQ(send_with_descriptors(ends[0], "bare", nullptr, 0), 4);
    ASSERT_EQ(receive(), 4);
    EXPECT_EQ(count, 0);
}

TEST_F(ControlSocket, NeverBlocks) {
    EXPECT_EQ(receive(), -1);
    EXPECT_EQ(errno, EAGAIN);
    const std::string block(1 << 16, 'x');
    while (send_with_descriptors(ends[0], block, nullptr, 0) > 0) {
    }
    EXPECT_EQ(errno, EAGAIN);
}

TEST_F(ControlSocket, ReportsTheOthersEnd) {
    close(std::exchange(ends[0], -1));
    EXPECT_EQ(receive(), 0);
    EXPECT_EQ(count, 0);
}

TEST_F(ControlSocket, SendsToAClosedSocketWithoutASignal) {
    close(std::exchange(ends[1], -1));
    EXPECT_EQ(send_with_descriptors(ends[0], "x", nullptr, 0), -1);
    EXPECT_EQ(errno, EPIPE);
}

}  // namespace
}  // namespace herald::ring::control
