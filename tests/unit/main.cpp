// Runs the tests. One that hangs is ended with its name, and where a sanitizer is there with a
// stack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace {

constexpr unsigned kLimitS = 120;  // many times what the slowest test takes under sanitizers

std::string running;  // changed only while no alarm is set

class Limit final : public testing::EmptyTestEventListener {
    void OnTestStart(const testing::TestInfo& test) override {
        running = std::string("hangs: ") + test.test_suite_name() + "." + test.name() + "\n";
        alarm(kLimitS);
    }
    void OnTestEnd(const testing::TestInfo&) override { alarm(0); }
};

void end_it(int) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, running.data(), running.size());
    __builtin_trap();  // unlike abort(), a sanitizer shows the stack
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleMock(&argc, argv);
    signal(SIGALRM, end_it);
    testing::UnitTest::GetInstance()->listeners().Append(new Limit);  // which owns it
    return RUN_ALL_TESTS();
}
