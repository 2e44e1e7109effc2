// How the newest runs went.
#include "sidecar/views/runs_summary.hpp"

#include <gtest/gtest.h>

#include <string>

namespace herald::sidecar {
namespace {

using Took = Summary::Took;

constexpr std::string_view kEmpty =
    R"({"counts":{"total":0,"successful":0,"failed":0,"running":0},)"
    R"("last_success_at":null,"failure_streak":0})";

std::string run_event(std::string_view event, std::string_view id, std::string_view members = "") {
    std::string text = R"({"event":")" + std::string(event) + R"(","run":{"id":")";
    text.append(id).append("\"");
    if (!members.empty())
        text.append(",").append(members);
    return text + "}}";
}
std::string time_at(int minute) {
    char text[40];
    snprintf(text, sizeof text, "2024-05-08T%02d:%02d:00+00:00", minute / 60, minute % 60);
    return text;
}
// A run that started at a minute of the day and took one minute.
std::string completed(int minute, int invalid) {
    return run_event("run.updated", "run-" + std::to_string(minute),
                     R"("started_at":")" + time_at(minute) + R"(","completed_at":")" +
                         time_at(minute + 1) +
                         R"(","status":"completed","report":{"processed":[],"invalid":[],)"
                         R"("processed_count":3,"invalid_count":)" +
                         std::to_string(invalid) + "}");
}
std::string running(int minute) {
    return run_event(
        "run.created", "run-" + std::to_string(minute),
        R"("started_at":")" + time_at(minute) +
            R"(","completed_at":null,"status":"running","report":{"invalid_count":0})");
}
std::string summary(int total, int successful, int failed, int running_now,
                    std::string_view last_success, int streak) {
    return R"({"counts":{"total":)" + std::to_string(total) + R"(,"successful":)" +
           std::to_string(successful) + R"(,"failed":)" + std::to_string(failed) +
           R"(,"running":)" + std::to_string(running_now) + R"(},"last_success_at":)" +
           std::string(last_success) + R"(,"failure_streak":)" + std::to_string(streak) + "}";
}

class RunsSummaryTest : public testing::Test {
  protected:
    Took apply(const std::string& data, uint64_t at_ms = 0) { return runs_.apply(data, at_ms); }

    RunsSummary runs_{1'000'000, 10};
};

TEST_F(RunsSummaryTest, StartsWithNothing) {
    EXPECT_EQ(runs_.document(), kEmpty);
}

TEST_F(RunsSummaryTest, GivesTheExampleOfTheDocument) {
    apply(completed(500, 2));
    for (int minute = 501; minute <= 508; ++minute)
        apply(completed(minute, 0));
    apply(completed(569, 0));
    EXPECT_EQ(runs_.document(), summary(10, 9, 1, 0, "\"2024-05-08T09:30:00+00:00\"", 0));
}

TEST_F(RunsSummaryTest, IsAboutTheNewestRunsAlone) {
    for (int minute = 1; minute <= 5; ++minute)
        apply(completed(minute, 1));
    for (int minute = 6; minute <= 15; ++minute)
        apply(completed(minute, 0));
    EXPECT_EQ(runs_.document(), summary(10, 10, 0, 0, "\"2024-05-08T00:16:00+00:00\"", 0));

    RunsSummary more(1'000'000, 12);
    for (int minute = 1; minute <= 15; ++minute)
        more.apply(completed(minute, minute <= 5 ? 1 : 0), 0);
    EXPECT_EQ(more.document(), summary(12, 10, 2, 0, "\"2024-05-08T00:16:00+00:00\"", 0));
}

TEST_F(RunsSummaryTest, OrdersRunsByTheirStart) {
    for (int minute = 20; minute >= 1; --minute)  // the newest is heard of first
        apply(completed(minute, minute > 10 ? 1 : 0));
    EXPECT_EQ(runs_.document(), summary(10, 0, 10, 0, "null", 10));
}

TEST_F(RunsSummaryTest, HasOlderOnesBackWhenNewerOnesAreRemoved) {
    for (int minute = 1; minute <= 12; ++minute)
        apply(completed(minute, minute <= 2 ? 1 : 0));
    EXPECT_EQ(runs_.document(), summary(10, 10, 0, 0, "\"2024-05-08T00:13:00+00:00\"", 0));
    EXPECT_EQ(apply(run_event("run.removed", "run-12")), Took::Changed);
    EXPECT_EQ(apply(run_event("run.removed", "run-11")), Took::Changed);
    EXPECT_EQ(runs_.document(), summary(10, 8, 2, 0, "\"2024-05-08T00:11:00+00:00\"", 0));
    EXPECT_EQ(apply(run_event("run.removed", "run-11")), Took::Same);
}

TEST_F(RunsSummaryTest, CountsTheStreakFromTheNewestRunOn) {
    apply(completed(1, 1));
    apply(completed(2, 0));
    apply(completed(3, 1));
    apply(completed(4, 1));
    EXPECT_EQ(runs_.document(), summary(4, 1, 3, 0, "\"2024-05-08T00:03:00+00:00\"", 2));
    apply(running(5));  // no failure, as yet
    EXPECT_EQ(runs_.document(), summary(5, 1, 3, 1, "\"2024-05-08T00:03:00+00:00\"", 0));
    apply(completed(5, 1));
    EXPECT_EQ(runs_.document(), summary(5, 1, 4, 0, "\"2024-05-08T00:03:00+00:00\"", 3));
}

TEST_F(RunsSummaryTest, FollowsARunToItsEnd) {
    EXPECT_EQ(apply(running(1)), Took::Changed);
    EXPECT_EQ(runs_.document(), summary(1, 0, 0, 1, "null", 0));
    EXPECT_EQ(apply(running(1)), Took::Same);
    EXPECT_EQ(apply(completed(1, 0)), Took::Changed);
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "\"2024-05-08T00:02:00+00:00\"", 0));
    EXPECT_EQ(apply(completed(1, 0)), Took::Same);
}

TEST_F(RunsSummaryTest, TakesTheLatestCompletionOfASuccess) {
    apply(
        run_event("run.created", "long",
                  R"("started_at":"2024-05-08T01:00:00Z","completed_at":"2024-05-08T14:00:00Z")"));
    apply(
        run_event("run.created", "short",
                  R"("started_at":"2024-05-08T02:00:00Z","completed_at":"2024-05-08T03:00:00Z")"));
    apply(run_event("run.created", "bad",
                    R"("started_at":"2024-05-08T03:00:00Z","completed_at":"2024-05-08T20:00:00Z",)"
                    R"("report":{"invalid_count":1})"));
    EXPECT_EQ(runs_.document(), summary(3, 2, 1, 0, "\"2024-05-08T14:00:00+00:00\"", 1));
}

TEST_F(RunsSummaryTest, WritesTimesInUtcAsPythonDoes) {
    apply(run_event("run.created", "a", R"("completed_at":"2024-05-08T11:30:00.5+02:00")"));
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "\"2024-05-08T09:30:00.500000+00:00\"", 0));
    apply(run_event("run.created", "a", R"("completed_at":"2024-05-08T09:30:00.000007Z")"));
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "\"2024-05-08T09:30:00.000007+00:00\"", 0));
    apply(run_event("run.created", "a", R"("completed_at":1715160600)"));
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "\"2024-05-08T09:30:00+00:00\"", 0));
}

TEST_F(RunsSummaryTest, KeepsWhatAnEventDoesNotSay) {
    apply(completed(1, 2));
    apply(run_event("run.updated", "run-1"));
    apply(run_event("run.updated", "run-1", R"("report":null)"));
    EXPECT_EQ(runs_.document(), summary(1, 0, 1, 0, "null", 1));
    apply(run_event("run.updated", "run-1", R"("report":{"invalid_count":0})"));
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "\"2024-05-08T00:02:00+00:00\"", 0));
    apply(run_event("run.updated", "run-1", R"("completed_at":null)"));
    EXPECT_EQ(runs_.document(), summary(1, 0, 0, 1, "null", 0));
}

TEST_F(RunsSummaryTest, LooksAtTheListWhereTheCountIsMissing) {
    apply(run_event("run.created", "a",
                    R"("completed_at":"2024-05-08T09:30:00Z","report":{"invalid":[ ]})"));
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "\"2024-05-08T09:30:00+00:00\"", 0));
    apply(run_event("run.created", "a", R"("report":{"invalid":[{"path":"x","reason":"y"}]})"));
    EXPECT_EQ(runs_.document(), summary(1, 0, 1, 0, "null", 1));
}

TEST_F(RunsSummaryTest, TakesTheStatusWhereThereIsNoTime) {
    apply(run_event("run.created", "a", R"("status":"completed")"));
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "null", 0));
    apply(run_event("run.updated", "a", R"("status":"running")"));
    EXPECT_EQ(runs_.document(), summary(1, 0, 0, 1, "null", 0));
    apply(run_event("run.updated", "a", R"("completed_at":"soon")"));
    EXPECT_EQ(runs_.document(), summary(1, 1, 0, 0, "null", 0));
}

TEST_F(RunsSummaryTest, TakesTheTimeOfArrivalForAMissingStart) {
    RunsSummary newest(1'000'000, 1);
    newest.apply(run_event("run.created", "a", R"("completed_at":"2024-05-08T09:30:00Z")"), 2000);
    newest.apply(run_event("run.created", "b"), 1000);
    EXPECT_EQ(newest.document(), summary(1, 1, 0, 0, "\"2024-05-08T09:30:00+00:00\"", 0));
    newest.apply(run_event("run.updated", "b", R"("started_at":"2024-05-08T09:30:00Z")"), 3000);
    EXPECT_EQ(newest.document(), summary(1, 0, 0, 1, "null", 0));
}

TEST_F(RunsSummaryTest, LeavesOutWhatIsNoEventOfARun) {
    apply(completed(1, 0));
    const std::string before = runs_.document();
    for (const char* data :
         {"1", "[]", "{}", R"({"event":"run.created"})", R"({"event":"run.created","run":7})",
          R"({"event":"run.created","run":{}})", R"({"event":"run.created","run":{"id":""}})",
          R"({"event":"run.created","run":{"id":true}})", R"({"run":{"id":"b"}})",
          R"({"event":"run.finished","run":{"id":"b"}})",
          R"({"event":"job.created","job":{"job_id":"b"}})"})
        EXPECT_EQ(apply(data), Took::Foreign) << data;
    EXPECT_EQ(runs_.document(), before);
}

TEST_F(RunsSummaryTest, ForgetsTheOldestBeyondItsBound) {
    RunsSummary few(2, 10);
    few.apply(completed(1, 1), 0);
    few.apply(completed(2, 0), 0);
    few.apply(completed(1, 1), 0);
    few.apply(completed(3, 0), 0);
    EXPECT_EQ(few.document(), summary(2, 1, 1, 0, "\"2024-05-08T00:04:00+00:00\"", 0));
    EXPECT_EQ(few.forgotten(), 1u);
}

TEST_F(RunsSummaryTest, ComesBackFromItsBytes) {
    for (int minute = 1; minute <= 1000; ++minute)
        apply(minute % 10 == 0 ? running(minute) : completed(minute, minute % 3));
    std::string bytes;
    runs_.save(bytes);
    RunsSummary back(1'000'000, 10);
    ASSERT_TRUE(back.load(bytes));
    EXPECT_EQ(back.document(), runs_.document());
    for (RunsSummary* runs : {&runs_, &back}) {
        for (int minute = 995; minute <= 1000; ++minute)
            runs->apply(run_event("run.removed", "run-" + std::to_string(minute)), 0);
    }
    EXPECT_EQ(back.document(), runs_.document());
}

TEST_F(RunsSummaryTest, DoesNotComeBackFromBytesThatAreCut) {
    apply(completed(1, 0));
    apply(running(2));
    std::string bytes;
    runs_.save(bytes);
    for (size_t length = 0; length < bytes.size(); ++length)
        EXPECT_FALSE(RunsSummary(10, 10).load(std::string_view(bytes).substr(0, length))) << length;
    EXPECT_FALSE(RunsSummary(10, 10).load(bytes + "x"));
    bytes.back() = '\x04';  // flags that there are not
    EXPECT_FALSE(RunsSummary(10, 10).load(bytes));
}

}  // namespace
}  // namespace herald::sidecar
