// The state directory: one owner, and a memory of log names.
#include "sidecar/state_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/files.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(StateDirectory, IsMadeForItsOwnerAndGroup) {
    TemporaryDirectory directory;
    const StateDirectory state(directory / "a/b");
    struct stat status {};
    ASSERT_EQ(stat((directory / "a/b").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0750u);
}

TEST(StateDirectory, BelongsToOneSidecar) {
    TemporaryDirectory directory;
    {
        const StateDirectory first(directory / "s");
        try {
            const StateDirectory second(directory / "s");
            FAIL();
        } catch (const std::runtime_error& error) {
            EXPECT_EQ(error.what(), "state directory " + (directory / "s") +
                                        " is in use by another sidecar (pid " +
                                        std::to_string(getpid()) + ")");
        }
    }
    const StateDirectory third(directory / "s");
}

TEST(StateDirectory, RemembersLogsAcrossStarts) {
    TemporaryDirectory directory;
    uint32_t first = 0;
    {
        StateDirectory state(directory / "s");
        EXPECT_THAT(state.logs(), ElementsAre());
        first = state.add_log();
    }
    StateDirectory state(directory / "s");
    const uint32_t second = state.add_log();
    EXPECT_NE(first, second);
    EXPECT_THAT(state.logs(), ElementsAre(first, second));
    EXPECT_EQ(read_file(directory / "s/logs"), log_name(first) + "\n" + log_name(second) + "\n");
}

TEST(StateDirectory, KeepsTheNewest64Logs) {
    TemporaryDirectory directory;
    StateDirectory state(directory / "s");
    std::string content;
    for (uint32_t log = 1; log <= 64; ++log)
        content += log_name(log) + "\n";
    replace_file(directory / "s/logs", content);

    const uint32_t fresh = state.add_log();
    const auto logs = state.logs();
    ASSERT_EQ(logs.size(), 64u);
    EXPECT_EQ(logs.front(), 2u);
    EXPECT_EQ(logs.back(), fresh);
}

TEST(StateDirectory, LeavesOutLinesThatAreNoLogNames) {
    TemporaryDirectory directory;
    const StateDirectory state(directory / "s");
    replace_file(directory / "s/logs", "7f3a2c01\n\nxyz\n7f3a2c0g\n7f3a2c011\n00000002");
    EXPECT_THAT(state.logs(), ElementsAre(0x7f3a2c01u, 2u));
}

TEST(LogName, IsEightHexDigits) {
    EXPECT_EQ(log_name(0), "00000000");
    EXPECT_EQ(log_name(0x7f3a2c01), "7f3a2c01");
}

TEST(Files, SayWhichPathIsWrong) {
    TemporaryDirectory directory;
    replace_file(directory / "file", "x");
    try {
        make_directories(directory / "file/sub", 0755);
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_THAT(error.what(), HasSubstr((directory / "file") + ": Not a directory"));
    }
}

}  // namespace
}  // namespace herald::sidecar
