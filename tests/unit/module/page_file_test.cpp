// Bytes that are sent as pages of a file: the same bytes as from memory, also when the file has
// gone before they are read.
#include "page_file.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace herald {
namespace {

class PageFile : public testing::Test {
  protected:
    PageFile() {
        std::signal(SIGPIPE, SIG_IGN);
        const int listener = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        bind(listener, reinterpret_cast<sockaddr*>(&address), size);
        listen(listener, 1);
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
        reader_ = socket(AF_INET, SOCK_STREAM, 0);
        connect(reader_, reinterpret_cast<sockaddr*>(&address), size);
        writer_ = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        close(listener);
    }
    ~PageFile() override {
        for (int file : files_)
            close_page_file(file);
        close(reader_);
        close(writer_);
    }

    int make(const std::string& bytes) {
        const int file = make_page_file(bytes);
        if (file != kNoPageFile)
            files_.push_back(file);
        return file;
    }
    void close_last() {
        close_page_file(files_.back());
        files_.pop_back();
    }
    // Exactly so many bytes.
    std::string read(size_t size) const {
        std::string bytes(size, '\0');
        const ssize_t got = recv(reader_, bytes.data(), size, MSG_WAITALL);
        bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
        return bytes;
    }
    static std::string text(size_t size, unsigned seed) {
        std::string bytes(size, '\0');
        for (char& c : bytes)
            c = static_cast<char>('a' + (seed = seed * 1664525 + 1013904223) / (1u << 28));
        return bytes;
    }

    int reader_ = -1;
    int writer_ = -1;
    std::vector<int> files_{};
};

TEST_F(PageFile, IsSentFromAnOffset) {
    const std::string bytes = text(50'001, 1);
    const int file = make(bytes);
    EXPECT_EQ(send_page_file(writer_, file, 0, 10), 10);
    EXPECT_EQ(send_page_file(writer_, file, 10, bytes.size() - 10),
              static_cast<ssize_t>(bytes.size() - 10));
    EXPECT_EQ(read(bytes.size()), bytes);
}

TEST_F(PageFile, IsReadAsItWasWhenOthersHaveComeInItsPlace) {
    const std::string bytes = text(60'000, 2);
    ASSERT_EQ(send_page_file(writer_, make(bytes), 0, bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    close_last();
    for (unsigned i = 0; i < 32; ++i)
        ASSERT_NE(make(text(60'000, 3 + i)), kNoPageFile);
    EXPECT_EQ(read(bytes.size()), bytes);
}

TEST_F(PageFile, GoesOnWhereTheSocketWasFull) {
    const std::string bytes = text(16 << 20, 4);
    const int file = make(bytes);
    const ssize_t sent = send_page_file(writer_, file, 0, bytes.size());
    ASSERT_GT(sent, 0);
    ASSERT_LT(sent, static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(send_page_file(writer_, file, static_cast<size_t>(sent), 1), -1);
    EXPECT_EQ(errno, EAGAIN);

    std::string got = read(static_cast<size_t>(sent));
    while (got.size() < bytes.size()) {
        const ssize_t more = send_page_file(writer_, file, got.size(), bytes.size() - got.size());
        if (more > 0)
            got += read(static_cast<size_t>(more));
    }
    EXPECT_TRUE(got == bytes);
}

TEST_F(PageFile, SaysThatTheReaderHasGone) {
    const int file = make(text(50'000, 5));
    shutdown(writer_, SHUT_WR);
    EXPECT_EQ(send_page_file(writer_, file, 0, 50'000), -1);
    EXPECT_EQ(errno, EPIPE);
}

TEST_F(PageFile, IsNotSentBeyondItsEnd) {
    const int file = make("short");
    EXPECT_EQ(send_page_file(writer_, file, 5, 1), -1);
    EXPECT_EQ(errno, EIO);
}

TEST_F(PageFile, ThereAreNeverTooMany) {
    for (int i = 0; i < kMostPageFiles; ++i)
        ASSERT_NE(make("x"), kNoPageFile);
    EXPECT_EQ(make("x"), kNoPageFile);
    close_last();
    EXPECT_NE(make("x"), kNoPageFile);
}

}  // namespace
}  // namespace herald
