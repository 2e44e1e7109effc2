#include "sidecar/cli/outcome.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::cli {
namespace {

using ::testing::HasSubstr;
using Kind = Outcome::Kind;

TEST(JudgeStatus, Takes204ForTheEnd) {
    EXPECT_EQ(judge_status(204, "").kind, Kind::Finished);
}

TEST(JudgeStatus, TriesAgainWhatMayMend) {
    for (const int status : {408, 425, 429, 500, 502, 503, 504})
        EXPECT_EQ(judge_status(status, "").kind, Kind::Lost) << status;
}

TEST(JudgeStatus, StopsAtWhatWillNotMend) {
    for (const int status : {200, 206, 301, 302, 400, 401, 403, 404, 405, 410, 426})
        EXPECT_EQ(judge_status(status, "").kind, Kind::Refused) << status;
}

TEST(JudgeStatus, SaysWhatWouldHelp) {
    EXPECT_EQ(judge_status(401, "Invalid bearer token.").why,
              "the server answers 401 (Invalid bearer token.): the token is missing, wrong or "
              "expired (--token-file)");
    EXPECT_THAT(judge_status(403, "").why, HasSubstr("does not allow this stream"));
    EXPECT_THAT(judge_status(404, "").why, HasSubstr("no such stream"));
    EXPECT_THAT(judge_status(302, "").why, HasSubstr("elsewhere"));
    EXPECT_EQ(judge_status(503, "").why, "the server answers 503");
}

TEST(JudgeClose, TakesANormalClosureForTheEndAndNothingElse) {
    EXPECT_EQ(judge_close(1000, "").kind, Kind::Finished);
    for (const uint16_t code : {1001, 1005, 1008, 1011, 1012, 1013, 4000})
        EXPECT_EQ(judge_close(code, "").kind, Kind::Lost) << code;
    EXPECT_EQ(judge_close(1012, "reload").why, "the server closes with 1012 (reload)");
}

TEST(Detail, IsTheMemberOfAnObject) {
    EXPECT_EQ(detail_of(R"({"detail":"Not \"you\".","type":"x"})"), "Not \"you\".");
}

TEST(Detail, IsAShortText) {
    EXPECT_EQ(detail_of("Unauthorized\r\n"), "Unauthorized");
}

TEST(Detail, IsNothingThatATerminalShouldNotSee) {
    EXPECT_EQ(detail_of("\x1b[2J"), "");
    EXPECT_EQ(detail_of(R"({"detail":"\u001b[2J"})"), "");
    EXPECT_EQ(detail_of("two\nlines"), "");
    EXPECT_EQ(detail_of("<html>"), "");
    EXPECT_EQ(detail_of("\xff"), "");
    EXPECT_EQ(detail_of(std::string(201, 'x')), "");
    EXPECT_EQ(detail_of(""), "");
}

}  // namespace
}  // namespace herald::cli
