// A file of keys that others write, replace, cut short, delete and bring back.
#include "sidecar/file_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "run_until.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

namespace fs = std::filesystem;

class FileKeysTest : public testing::Test, protected KeyTaker {
  protected:
    bool on_bytes(std::string_view bytes) override {
        heard_.emplace_back(bytes);
        return true;
    }
    void on_failure(std::string_view reason) override {
        heard_.push_back("failure: " + std::string(reason));
    }

    // `poll_ms`: by default so long that inotify alone tells of changes.
    void start(unsigned poll_ms = 3600'000) {
        KeyTaker& taker = *this;
        keys_ = std::make_unique<FileKeys>(loop_.get(), path_, WatchTimes{10, poll_ms}, taker);
    }
    static void write(const std::string& path, const std::string& content) {
        std::ofstream(path, std::ios::binary) << content;
    }
    void wait_for(const std::string& what) {
        run_until(loop_.get(),
                  [&] { return std::find(heard_.begin(), heard_.end(), what) != heard_.end(); });
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "keys/jwks.json";
    Loop loop_{};
    std::vector<std::string> heard_{};
    std::unique_ptr<FileKeys> keys_{};
};

TEST_F(FileKeysTest, AreReadAtOnce) {
    fs::create_directory(directory_ / "keys");
    write(path_, "one");
    start();
    wait_for("one");
}

TEST_F(FileKeysTest, AreReadAgainWhenTheyAreReplaced) {
    fs::create_directory(directory_ / "keys");
    write(path_, "one");
    start();
    wait_for("one");
    write(path_ + ".new", "two");
    fs::rename(path_ + ".new", path_);
    wait_for("two");
}

TEST_F(FileKeysTest, AreReadAgainWhenTheyAreWrittenInPlace) {
    fs::create_directory(directory_ / "keys");
    write(path_, "one");
    start();
    wait_for("one");
    write(path_, "two");
    wait_for("two");
}

TEST_F(FileKeysTest, MayGoAndComeBack) {
    fs::create_directory(directory_ / "keys");
    write(path_, "one");
    start();
    wait_for("one");
    fs::remove(path_);
    wait_for("failure: No such file or directory");
    write(path_, "two");
    wait_for("two");
}

TEST_F(FileKeysTest, AreReadAgainWhenALinkOnTheirWayIsReplaced) {
    fs::create_directories(directory_ / "keys/v1");
    fs::create_directories(directory_ / "keys/v2");
    write(directory_ / "keys/v1/jwks.json", "one");
    write(directory_ / "keys/v2/jwks.json", "two");
    fs::create_symlink("v1", directory_ / "keys/current");
    fs::create_symlink("current/jwks.json", path_);
    start();
    wait_for("one");
    fs::create_symlink("v2", directory_ / "keys/next");
    fs::rename(directory_ / "keys/next", directory_ / "keys/current");
    wait_for("two");
}

TEST_F(FileKeysTest, MayBeInADirectoryThatIsNotThereYet) {
    start(10);
    wait_for("failure: No such file or directory");
    fs::create_directory(directory_ / "keys");
    write(path_, "one");
    wait_for("one");
    fs::rename(directory_ / "keys", directory_ / "old");
    fs::create_directory(directory_ / "keys");
    write(path_, "two");
    wait_for("two");
}

TEST_F(FileKeysTest, AreReadNoFurtherThanOneByteBeyondTheirBound) {
    fs::create_directory(directory_ / "keys");
    write(path_, std::string(100'000, 'x'));
    start();
    wait_for(std::string(65'537, 'x'));
}

TEST_F(FileKeysTest, AreInAPlainFile) {
    fs::create_directory(directory_ / "keys");
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    start();
    wait_for("failure: not a plain file");
}

TEST_F(FileKeysTest, MayEndWhileTheyAreRead) {
    fs::create_directory(directory_ / "keys");
    write(path_, "one");
    start();
    keys_.reset();
}

}  // namespace
}  // namespace herald::sidecar
