// Log fields: no byte from outside can forge an entry.
#include "sidecar/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace herald::sidecar::log {
namespace {

TEST(LogField, LeavesPlainValuesBare) {
    EXPECT_EQ(quote("enrichment:b1/c.d-e_f@g"), "enrichment:b1/c.d-e_f@g");
    EXPECT_EQ(quote("gr\u00fcn"), "gr\u00fcn");
}

TEST(LogField, QuotesWhatWouldBeAmbiguous) {
    EXPECT_EQ(quote(""), "\"\"");
    EXPECT_EQ(quote("two words"), "\"two words\"");
    EXPECT_EQ(quote("a=b"), "\"a=b\"");
    EXPECT_EQ(quote("say \"x\""), "\"say \\\"x\\\"\"");
    EXPECT_EQ(quote("a\\b"), "\"a\\\\b\"");
}

TEST(LogField, EscapesControlCharacters) {
    EXPECT_EQ(quote("a\n2026 ERROR forged"), "\"a\\n2026 ERROR forged\"");
    EXPECT_EQ(quote("\r\t\x1b[31m\x7f"), "\"\\r\\t\\x1b[31m\\x7f\"");
    EXPECT_EQ(quote(std::string_view("\0", 1)), "\"\\x00\"");
}

TEST(LogField, EscapesWhatTerminalsAndReadersTakeForControls) {
    EXPECT_EQ(quote("\u009b2J"), "\"\\xc2\\x9b2J\"");
    EXPECT_EQ(quote("a\u0085b"), "\"a\\xc2\\x85b\"");
    EXPECT_EQ(quote("a\u2028b"), "\"a\\xe2\\x80\\xa8b\"");
}

TEST(LogField, EscapesBytesThatAreNoUtf8) {
    EXPECT_EQ(quote("a\xff"
                    "b\xc3"),
              "\"a\\xff"
              "b\\xc3\"");
}

TEST(LogLine, PutsFieldsBehindTheMessage) {
    Line line("worker attached");
    line.with("pid", 7).with("who", "a b").verbatim("data", "{\"x\": 1}");
    EXPECT_EQ(line.text(), "worker attached pid=7 who=\"a b\" data={\"x\": 1}");
}

TEST(LogField, IsShortenedAtAWholeCharacter) {
    EXPECT_EQ(shorten("abc", 3), "abc");
    EXPECT_EQ(shorten("abcd", 3), "abc...");
    EXPECT_EQ(shorten("a\u20acb", 3), "a...");
    EXPECT_EQ(shorten("a\u20acb", 4), "a\u20ac...");
    EXPECT_LE(shorten("\x80\x80\x80\x80\x80\x80", 5).size(), 5u + 3u);
}

TEST(Log, KeepsTheEntriesOfSeveralThreadsWhole) {
    constexpr int kThreads = 4;
    constexpr int kEntries = 500;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    // In a process of its own, because the log cannot be stopped again.
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        start();
        std::vector<std::thread> threads;
        for (int i = 0; i < kThreads; ++i) {
            threads.emplace_back([i] {
                for (int n = 0; n < kEntries; ++n)
                    info(Line("entry").with("from", i).with("text", std::string(300, 'x')));
            });
        }
        for (std::thread& thread : threads)
            thread.join();
        _exit(0);
    }
    close(ends[1]);
    std::string out;
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
        out.append(buffer, static_cast<size_t>(got));
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);

    std::istringstream lines(out);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count)
        ASSERT_THAT(line, testing::MatchesRegex(".* INFO entry from=[0-3] text=x+"));
    EXPECT_EQ(count, kThreads * kEntries);
}

TEST(LogLimit, SuppressesWhatIsTooOftenAndSaysHowMuch) {
    Limit limit(2);
    int made = 0;
    for (int i = 0; i < 10; ++i) {
        Line line("x");
        made += limit.admits(5000 + i, line) ? 1 : 0;
    }
    EXPECT_EQ(made, 2);

    Line line("x");
    EXPECT_TRUE(limit.admits(6000, line));
    EXPECT_EQ(line.text(), "x suppressed=8");
    Line next("x");
    EXPECT_TRUE(limit.admits(6001, next));
    EXPECT_EQ(next.text(), "x");
}

}  // namespace
}  // namespace herald::sidecar::log
