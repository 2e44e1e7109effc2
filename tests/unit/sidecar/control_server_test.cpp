// The control socket as a worker and as a stranger sees it.
#include "sidecar/control_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <memory>

#include "control_worker.hpp"
#include "ring/writer.hpp"
#include "sidecar/files.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

namespace control = ring::control;
using testing::HasSubstr;

class ControlServerTest : public testing::Test {
  protected:
    ControlServerTest()
        : server_(std::make_unique<ControlServer>(loop_.get(), path_, std::vector<uid_t>{},
                                                  RingHandle{ring_.fd(), ring_.map_size()},
                                                  doorbells_)) {}

    // Lets the server take what is waiting. Nothing here depends on time: the kernel has the
    // bytes before the loop looks.
    void turn() {
        for (int i = 0; i < 10; ++i)
            uv_run(loop_.get(), UV_RUN_NOWAIT);
    }

    // What the server answers to bytes: the text of a refusal, "attached", or "nothing".
    std::string answer(const Fd& fd) {
        char bytes[4096];
        int fds[control::kMaxDescriptors];
        int count = 0;
        const ssize_t got =
            control::receive_with_descriptors(fd.get(), bytes, sizeof bytes, fds, count);
        for (int i = 0; i < count; ++i)
            received_.emplace_back(fds[i]);
        if (got <= 0)
            return got == 0 ? "closed" : "nothing";
        control::FrameHeader header;
        std::string_view payload;
        if (control::parse({bytes, static_cast<size_t>(got)}, header, payload) !=
            control::Parse::Frame)
            return "no frame";
        return header.type == control::Type::Attach ? "attached" : std::string(payload);
    }

    std::string answer_to(std::string_view bytes) {
        const Fd fd = connect_to(path_);
        EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        turn();
        return answer(fd);
    }

    static std::string hello() { return hello_frame(); }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "run/herald.sock";
    ring::Writer ring_{ring::WriterOptions{.capacity = 65536}};
    Loop loop_{};
    Doorbells doorbells_{};
    std::vector<Fd> received_{};
    std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, GivesAWorkerTheRingAndADoorbell) {
    const Fd worker = connect_to(path_);
    ASSERT_EQ(write(worker.get(), hello().data(), hello().size()), 24);
    turn();
    EXPECT_EQ(answer(worker), "attached");
    ASSERT_EQ(received_.size(), 2u);
    struct stat status {};
    ASSERT_EQ(fstat(received_[0].get(), &status), 0);
    EXPECT_EQ(static_cast<uint64_t>(status.st_size), ring_.map_size());

    uint64_t value = 0;
    EXPECT_LT(read(received_[1].get(), &value, sizeof value), 0);
    doorbells_.ring();
    EXPECT_EQ(read(received_[1].get(), &value, sizeof value), 8);
    EXPECT_EQ(value, 1u);
}

TEST_F(ControlServerTest, StopsRingingForAWorkerThatIsGone) {
    {
        const Fd worker = connect_to(path_);
        ASSERT_EQ(write(worker.get(), hello().data(), hello().size()), 24);
        turn();
        EXPECT_EQ(answer(worker), "attached");
    }
    turn();
    doorbells_.ring();
    uint64_t value = 0;
    EXPECT_LT(read(received_[1].get(), &value, sizeof value), 0);
}

TEST_F(ControlServerTest, TakesAHelloThatComesInPieces) {
    const Fd worker = connect_to(path_);
    for (char c : hello()) {
        EXPECT_EQ(answer(worker), "nothing");
        ASSERT_EQ(write(worker.get(), &c, 1), 1);
        turn();
    }
    EXPECT_EQ(answer(worker), "attached");
}

TEST_F(ControlServerTest, RefusesGarbageWithAReason) {
    EXPECT_EQ(answer_to("GET / HTTP/1.1\r\n\r\n"), "not Herald's control protocol");
    EXPECT_EQ(answer_to("x"), "not Herald's control protocol");

    std::string bytes = hello();
    bytes[4] = 9;
    EXPECT_EQ(answer_to(bytes), "control protocol version 9, the sidecar speaks version 4");
    bytes = hello();
    bytes[10] = 2;
    EXPECT_THAT(answer_to(bytes), HasSubstr("frame of 131080 bytes, at most 65536"));
    bytes = hello();
    bytes[6] = 2;
    EXPECT_EQ(answer_to(bytes), "unexpected frame of type 2");
    EXPECT_EQ(answer_to(control::frame(control::Type::Hello, uint32_t{7})),
              "Hello of 4 bytes, expected 8");
}

TEST_F(ControlServerTest, RefusesASecondHello) {
    const Fd worker = connect_to(path_);
    ASSERT_EQ(write(worker.get(), hello().data(), hello().size()), 24);
    turn();
    EXPECT_EQ(answer(worker), "attached");
    ASSERT_EQ(write(worker.get(), hello().data(), hello().size()), 24);
    turn();
    EXPECT_EQ(answer(worker), "a second Hello on one connection");
    EXPECT_EQ(answer(worker), "closed");
}

TEST_F(ControlServerTest, RefusesAFrameThatIsCutShort) {
    const Fd worker = connect_to(path_);
    ASSERT_EQ(write(worker.get(), hello().data(), 20), 20);
    shutdown(worker.get(), SHUT_WR);
    turn();
    EXPECT_EQ(answer(worker), "frame cut short after 20 bytes");
}

TEST_F(ControlServerTest, ServesAtMost256Connections) {
    std::vector<Fd> workers;
    for (int i = 0; i < 256; ++i) {
        workers.push_back(connect_to(path_));
        turn();
    }
    const Fd last = connect_to(path_);
    turn();
    EXPECT_EQ(answer(last), "more than 256 connections");
    workers.pop_back();
    turn();
    EXPECT_EQ(answer_to(hello()), "attached");
}

TEST_F(ControlServerTest, LetsEverybodyConnectAndLeavesNoSocketBehind) {
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0666u);
    ASSERT_EQ(stat((directory_ / "run").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0755u);
    server_.reset();
    EXPECT_NE(stat(path_.c_str(), &status), 0);
}

TEST_F(ControlServerTest, EndsItsConnectionsWhenItEnds) {
    const Fd worker = connect_to(path_);
    ASSERT_EQ(write(worker.get(), hello().data(), hello().size()), 24);
    turn();
    EXPECT_EQ(answer(worker), "attached");
    server_.reset();
    turn();
    EXPECT_EQ(answer(worker), "closed");
}

TEST_F(ControlServerTest, LeavesASocketAloneThatSomebodyAnswersOn) {
    try {
        const ListeningSocket second(path_);
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), "another process answers on " + path_);
    }
    EXPECT_TRUE(connect_to(path_));
}

TEST(ListeningSocketTest, TakesThePlaceOfADeadSocket) {
    TemporaryDirectory directory;
    const std::string path = directory / "s";
    {
        // Closed without being removed, as by a killed process.
        const Fd dead(socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    const ListeningSocket socket(path);
    EXPECT_TRUE(connect_to(path));
}

TEST(ListeningSocketTest, RemovesNoFileThatIsNoSocket) {
    TemporaryDirectory directory;
    replace_file(directory / "s", "precious");
    EXPECT_THROW(ListeningSocket{directory / "s"}, std::runtime_error);
    EXPECT_EQ(read_file(directory / "s"), "precious");
}

TEST(ListeningSocketTest, RefusesAPathThatIsTooLong) {
    try {
        const ListeningSocket socket("/tmp/" + std::string(200, 'x'));
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("has 205 bytes; a Unix socket's path has at most 107"));
    }
}

}  // namespace
}  // namespace herald::sidecar
