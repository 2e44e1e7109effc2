#include "sidecar/cli/bearer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "../temporary_directory.hpp"

namespace herald::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
}

TEST(Bearer, IsNothingUnlessGiven) {
    EXPECT_EQ(Bearer("", "").current(), "");
}

TEST(Bearer, ComesFromTheCommandLineAFileOrTheEnvironment) {
    const sidecar::TemporaryDirectory directory;
    write(directory / "token", " abc.def-_~+/=\r\n");
    setenv("HERALD_TEST_TOKEN", "env-token\n", 1);
    EXPECT_EQ(Bearer("given", "").current(), "given");
    EXPECT_EQ(Bearer("", directory / "token").current(), "abc.def-_~+/=");
    EXPECT_EQ(Bearer("", "env:HERALD_TEST_TOKEN").current(), "env-token");
    unsetenv("HERALD_TEST_TOKEN");
}

TEST(Bearer, IsReadAgainFromAFileThatHasANewOne) {
    const sidecar::TemporaryDirectory directory;
    write(directory / "token", "one");
    Bearer bearer("", directory / "token");
    write(directory / "token", "two\n");
    EXPECT_EQ(bearer.current(), "two");
    write(directory / "token", "");
    EXPECT_EQ(bearer.current(), "two") << "what is half-way through being replaced";
    unlink((directory / "token").c_str());
    EXPECT_EQ(bearer.current(), "two");
}

TEST(Bearer, RefusesWhatCannotBeOneWithoutRepeatingIt) {
    for (const char* bad : {"secret\nsecret", "sec ret", "secret\x7f",
                            "s\xc3\xa9"
                            "cret"}) {
        try {
            Bearer bearer(bad, "");
            ADD_FAILURE() << bad;
        } catch (const std::runtime_error& error) {
            EXPECT_THAT(error.what(), HasSubstr("--token"));
            EXPECT_THAT(error.what(), Not(HasSubstr("ret")));
        }
    }
    EXPECT_THROW(Bearer(" ", ""), std::runtime_error);
    EXPECT_THROW(Bearer("", "env:HERALD_TEST_NO_SUCH"), std::runtime_error);
    EXPECT_THROW(Bearer("", "/nowhere/token"), std::runtime_error);
}

TEST(Bearer, IsTakenOutOfTexts) {
    EXPECT_EQ(Bearer("abc", "").without_token("abc is abc, not ab"), "... is ..., not ab");
    EXPECT_EQ(Bearer("...", "").without_token("a ... b"), "a *** b");
    EXPECT_EQ(Bearer("", "").without_token("abc"), "abc");
}

}  // namespace
}  // namespace herald::cli
