// Bytes that are sent as pages of a file: the same bytes as from memory, also when the file has
// gone before they are read.
#include "page_file.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
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
    // How many bytes the socket took.
    size_t send(int file, size_t offset, size_t size, PagesSent expected) const {
        size_t sent = 0;
        EXPECT_EQ(send_page_file(writer_, file, offset, size, sent), expected);
        return sent;
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
    EXPECT_EQ(send(file, 0, 10, PagesSent::All), 10u);
    EXPECT_EQ(send(file, 10, bytes.size() - 10, PagesSent::All), bytes.size() - 10);
    EXPECT_EQ(read(bytes.size()), bytes);
}

TEST_F(PageFile, IsReadAsItWasWhenOthersHaveComeInItsPlace) {
    const std::string bytes = text(60'000, 2);
    ASSERT_EQ(send(make(bytes), 0, bytes.size(), PagesSent::All), bytes.size());
    close_last();
    for (unsigned i = 0; i < 32; ++i)
        ASSERT_NE(make(text(60'000, 3 + i)), kNoPageFile);
    EXPECT_EQ(read(bytes.size()), bytes);
}

TEST_F(PageFile, GoesOnWhereTheSocketWasFull) {
    // Together more than a socket takes.
    std::vector<std::string> texts;
    std::string all;
    for (unsigned i = 0; i < 4; ++i) {
        texts.push_back(text(kMostPageFileBytes, 4 + i));
        all += texts.back();
    }
    std::string got;
    bool was_full = false;
    for (const std::string& bytes : texts) {
        const int file = make(bytes);
        for (size_t at = 0; at < bytes.size();) {
            size_t sent = 0;
            const PagesSent result = send_page_file(writer_, file, at, bytes.size() - at, sent);
            at += sent;
            if (result == PagesSent::All)
                continue;
            ASSERT_EQ(result, PagesSent::Full);
            was_full = true;
            EXPECT_EQ(send(file, at, 1, PagesSent::Full), 0u);
            got += read(1 << 20);
        }
    }
    got += read(all.size() - got.size());
    EXPECT_TRUE(was_full);
    EXPECT_TRUE(got == all);
}

TEST_F(PageFile, IsRefusedWhereTheReaderHasGone) {
    const int file = make(text(50'000, 5));
    shutdown(writer_, SHUT_WR);
    EXPECT_EQ(send(file, 0, 50'000, PagesSent::Refused), 0u);
}

TEST_F(PageFile, IsNotSentBeyondItsEnd) {
    const int file = make("short");
    EXPECT_EQ(send(file, 3, 5, PagesSent::Refused), 2u);
}

TEST_F(PageFile, ThereAreNeverTooMany) {
    for (int i = 0; i < kMostPageFiles; ++i)
        ASSERT_NE(make("x"), kNoPageFile);
    EXPECT_EQ(make("x"), kNoPageFile);
    close_last();
    EXPECT_NE(make("x"), kNoPageFile);
}

TEST_F(PageFile, IsNeverTooLarge) {
    EXPECT_NE(make(std::string(kMostPageFileBytes, 'x')), kNoPageFile);
    EXPECT_EQ(make(std::string(kMostPageFileBytes + 1, 'x')), kNoPageFile);
}

TEST_F(PageFile, IsNoneWhereDescriptorsHaveRunOut) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit none{0, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    const int file = make("x");
    setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_EQ(file, kNoPageFile);
    EXPECT_NE(make("x"), kNoPageFile);
}

}  // namespace
}  // namespace herald
