#include "sidecar/cli/event_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <system_error>

#include "../temporary_directory.hpp"

namespace herald::cli {
namespace {

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

class EventFileTest : public ::testing::Test {
  protected:
    const sidecar::TemporaryDirectory directory_{};
    const std::string path_ = directory_ / "a/b/events.jsonl";
    const Interrupt interrupt_{};
};

TEST_F(EventFileTest, IsMadeWithItsDirectoriesAndEmptiedTheNextTime) {
    for (int i = 0; i < 2; ++i) {
        EventFile file(path_, false, interrupt_);
        EXPECT_EQ(content(path_), "");
        file.append("1\n");
        file.append("2\n");
        EXPECT_EQ(content(path_), "") << "a batch is one write";
        file.flush();
        EXPECT_EQ(content(path_), "1\n2\n");
        EXPECT_EQ(file.lines(), 2u);
        file.close();
    }
}

TEST_F(EventFileTest, IsFlushedWhenItIsClosed) {
    EventFile file(path_, false, interrupt_);
    file.append("1\n");
    file.close();
    EXPECT_EQ(content(path_), "1\n");
}

TEST_F(EventFileTest, AppendsBehindWholeLines) {
    for (const char* line : {"1\n", "2", "3\n"}) {
        EventFile file(path_, true, interrupt_);
        file.append(line);
        file.close();
    }
    EXPECT_EQ(content(path_), "1\n2\n3\n");
}

TEST_F(EventFileTest, DoesNotKeepMuchInMemory) {
    EventFile file(path_, false, interrupt_);
    const std::string line = std::string(99'999, 'x') + "\n";
    for (int i = 0; i < 10; ++i)
        file.append(line);
    EXPECT_GE(content(path_).size(), 700'000u);
}

TEST_F(EventFileTest, KeepsWholeLinesWhereThereIsNoMoreRoom) {
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    auto* handler = signal(SIGXFSZ, SIG_IGN);
    EventFile file(path_, false, interrupt_);
    rlimit tight = before;
    tight.rlim_cur = 10;
    setrlimit(RLIMIT_FSIZE, &tight);
    file.append("123\n");
    file.flush();
    file.append("456\n789\n");
    EXPECT_THROW(file.flush(), std::system_error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);

    EXPECT_EQ(content(path_), "123\n456\n");
    EXPECT_EQ(file.lines(), 2u);
    file.close();
    EXPECT_EQ(content(path_), "123\n456\n") << "nothing is written twice";
}

TEST_F(EventFileTest, NamesTheFileThatFails) {
    EventFile file("/dev/full", false, interrupt_);
    file.append("1\n");
    try {
        file.flush();
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_STREQ(error.what(), "/dev/full: No space left on device");
    }
    EXPECT_THROW(EventFile(directory_ / ".", false, interrupt_), std::system_error);
}

TEST_F(EventFileTest, DoesNotWaitForAPipeOnceItIsInterrupted) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const sidecar::Fd reader(ends[0]);
    EventFile file(sidecar::Fd(ends[1]), "pipe", interrupt_);
    raise(SIGINT);
    file.append("1\n");
    file.flush();
    file.append(std::string(200'000, 'x'));
    EXPECT_THROW(file.flush(), std::runtime_error);
    EXPECT_EQ(interrupt_.signal(), SIGINT);
    char first[2] = "";
    EXPECT_EQ(read(reader.get(), first, sizeof first), 2) << "what it takes at once is written";
}

}  // namespace
}  // namespace herald::cli
