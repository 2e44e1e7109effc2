// What is on disk when, and what a start makes of what it finds.
#include "sidecar/revocation_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>

#include "run_until.hpp"
#include "sidecar/disk_calls.hpp"
#include "sidecar/files.hpp"
#include "sidecar/log.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using Kind = Revocation::Kind;

constexpr int kUntilToldOtherwise = 1'000'000;
std::atomic<int> g_failures = 0;  // of the next syncs
std::atomic<int> g_opens = 0;     // before they fail
std::atomic<bool> g_open_fails = false;

int fdatasync_or_fail(int fd) {
    if (g_failures.fetch_sub(1) > 0) {
        errno = EIO;
        return -1;
    }
    return ::fdatasync(fd);
}

int open_or_fail(const char* path, int flags, ...) {
    if (g_opens.fetch_sub(1) <= 0 && g_open_fails) {
        errno = EMFILE;
        return -1;
    }
    return ::open(path, flags, 0640);
}

class RevocationFileTest : public testing::Test {
  protected:
    ~RevocationFileTest() override {
        file_.reset();
        g_disk = DiskCalls{};
    }

    void open() {
        set_ = RevocationSet();
        told_ = 0;
        file_ = std::make_unique<RevocationFile>(loop_.get(), path_, set_,
                                                 [this](size_t lines) { told_ += lines; });
    }
    void write(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
    void wait_until_told(size_t lines) {
        run_until(loop_.get(), [&] { return told_ >= lines; });
    }
    void wait_until_written(const std::string& content) {
        run_until(loop_.get(), [&] { return read_file(path_) == content; });
    }
    std::vector<std::string> found() {
        std::vector<std::string> all;
        set_.each([&](const Revocation& revocation) {
            all.push_back(revocation.value + "@" + std::to_string(revocation.before));
        });
        return all;
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "revocations";
    Loop loop_{};
    RevocationSet set_{};
    size_t told_ = 0;
    std::unique_ptr<RevocationFile> file_{};
};

TEST_F(RevocationFileTest, HasTheLinesThatAreTold) {
    open();
    file_->append("{\"sub\":\"a\",\"before\":1}\n");
    file_->append("{\"sub\":\"b\",\"before\":2}\n");
    wait_until_told(2);
    EXPECT_EQ(read_file(path_), "{\"sub\":\"a\",\"before\":1}\n{\"sub\":\"b\",\"before\":2}\n");
    file_.reset();
    open();
    EXPECT_THAT(found(), UnorderedElementsAre("a@1", "b@2"));
}

TEST_F(RevocationFileTest, HasTheLinesThatWaitedAtTheEnd) {
    open();
    for (int i = 0; i < 100; ++i)
        file_->append("{\"sub\":\"u" + std::to_string(i) + "\",\"before\":1}\n");
    file_.reset();
    open();
    EXPECT_EQ(set_.size(), 100u);
}

TEST_F(RevocationFileTest, LosesATornLastLine) {
    write("{\"sub\":\"a\",\"before\":1}\n{\"sub\":\"b\",\"bef");
    open();
    EXPECT_THAT(found(), ElementsAre("a@1"));
    file_->append("{\"sub\":\"c\",\"before\":3}\n");
    wait_until_told(1);
    EXPECT_EQ(read_file(path_), "{\"sub\":\"a\",\"before\":1}\n{\"sub\":\"c\",\"before\":3}\n");
}

TEST_F(RevocationFileTest, MayBeATornLineAlone) {
    write("{\"sub\"");
    open();
    EXPECT_EQ(set_.size(), 0u);
    EXPECT_EQ(read_file(path_), "");
}

TEST_F(RevocationFileTest, HasEachRevocationOnceAfterAStart) {
    write(
        "{\"sub\":\"a\",\"before\":1}\n{\"sub\":\"a\",\"before\":3}\n{\"sub\":\"a\",\"before\":2}"
        "\n");
    open();
    EXPECT_THAT(found(), ElementsAre("a@3"));
    EXPECT_EQ(read_file(path_), "{\"sub\":\"a\",\"before\":3}\n");
    file_->append("{\"jti\":\"t\",\"before\":4}\n");
    wait_until_told(1);
    EXPECT_EQ(read_file(path_), "{\"sub\":\"a\",\"before\":3}\n{\"jti\":\"t\",\"before\":4}\n");
}

TEST_F(RevocationFileTest, IsKeptAsItWasWhereALineIsNone) {
    const std::string damaged =
        "{\"sub\":\"a\",\"before\":1}\nnonsense\n{\"sub\":\"b\",\"before\":2}\n";
    write(damaged);
    open();
    EXPECT_THAT(found(), UnorderedElementsAre("a@1", "b@2"));
    EXPECT_EQ(read_file(path_ + ".damaged"), damaged);
    EXPECT_EQ(std::filesystem::file_size(path_), damaged.size() - 9);
}

TEST_F(RevocationFileTest, IsCompactedWhileTheSidecarRuns) {
    open();
    constexpr int kLines = 10'010;
    for (int i = 0; i < kLines; ++i) {
        file_->append("{\"sub\":\"a\",\"before\":" + std::to_string(i) + "}\n");
        if (i % 1000 == 0)
            wait_until_told(static_cast<size_t>(i));
    }
    wait_until_told(kLines);
    file_.reset();  // what it was doing is done
    EXPECT_LT(std::filesystem::file_size(path_), 1000u);
    open();
    EXPECT_THAT(found(), ElementsAre("a@" + std::to_string(kLines - 1)));
}

TEST_F(RevocationFileTest, TakesEffectWhileTheDiskFailsAndIsWrittenAfterwards) {
    g_failures = 1;
    g_disk.fdatasync = fdatasync_or_fail;
    testing::internal::CaptureStdout();
    log::start();
    open();
    file_->append("{\"sub\":\"a\",\"before\":1}\n");
    wait_until_told(1);
    file_->append("{\"sub\":\"b\",\"before\":2}\n");
    wait_until_written("{\"sub\":\"a\",\"before\":1}\n{\"sub\":\"b\",\"before\":2}\n");
    log::flush();
    const std::string said = testing::internal::GetCapturedStdout();
    EXPECT_THAT(said, HasSubstr("are not kept"));
    EXPECT_THAT(said, HasSubstr("kept again"));
}

TEST_F(RevocationFileTest, TakesEffectForAsLongAsTheDiskFails) {
    g_failures = kUntilToldOtherwise;
    g_disk.fdatasync = fdatasync_or_fail;
    open();
    file_->append("{\"sub\":\"a\",\"before\":1}\n");
    wait_until_told(1);
    file_->append("{\"sub\":\"b\",\"before\":2}\n");
    wait_until_told(2);
    file_->append("{\"sub\":\"c\",\"before\":3}\n");
    wait_until_told(3);
    EXPECT_GT(g_failures, 0);
    g_failures = 0;
    wait_until_written(
        "{\"sub\":\"a\",\"before\":1}\n{\"sub\":\"b\",\"before\":2}\n"
        "{\"sub\":\"c\",\"before\":3}\n");
    file_->append("{\"sub\":\"d\",\"before\":4}\n");
    wait_until_told(4);
    EXPECT_EQ(told_, 4u);  // none of them twice
}

TEST_F(RevocationFileTest, IsOpenedAgainWhereThatFailedAfterItWasCompacted) {
    write("{\"sub\":\"a\",\"before\":1}\n{\"sub\":\"a\",\"before\":3}\n");
    g_opens = 1;
    g_open_fails = true;
    g_disk.open = open_or_fail;
    open();
    EXPECT_EQ(read_file(path_), "{\"sub\":\"a\",\"before\":3}\n");
    file_->append("{\"sub\":\"b\",\"before\":2}\n");
    wait_until_told(1);
    EXPECT_EQ(read_file(path_), "{\"sub\":\"a\",\"before\":3}\n");
    g_open_fails = false;
    wait_until_written("{\"sub\":\"a\",\"before\":3}\n{\"sub\":\"b\",\"before\":2}\n");
}

}  // namespace
}  // namespace herald::sidecar
