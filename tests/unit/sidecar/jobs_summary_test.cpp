// Jobs by status and by farm.
#include "sidecar/views/jobs_summary.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sidecar/views/value_counts.hpp"

namespace herald::sidecar {
namespace {

using Took = Summary::Took;

constexpr std::string_view kEmpty = R"({"jobs":0,"by_status":{},"by_farm":{}})";

// A job's members are written as given: "\"status\":\"queued\"".
std::string job_event(std::string_view event, std::string_view id, std::string_view members = "") {
    std::string text = R"({"event": ")" + std::string(event) + R"(", "job": {"job_id": ")";
    text.append(id).append("\"");
    if (!members.empty())
        text.append(", ").append(members);
    return text + "}}";
}
std::string job(std::string_view id, std::string_view status, std::string_view farm) {
    return job_event("job.updated", id,
                     R"("status": ")" + std::string(status) + R"(", "farm": ")" +
                         std::string(farm) + R"(", "farm_type": "stub", "message": null)");
}

class JobsSummaryTest : public testing::Test {
  protected:
    Took apply(const std::string& data) { return jobs_.apply(data, 0); }

    JobsSummary jobs_{1'000'000};
};

TEST_F(JobsSummaryTest, StartsWithNothing) {
    EXPECT_EQ(jobs_.document(), kEmpty);
}

TEST_F(JobsSummaryTest, GivesTheExampleOfTheDocument) {
    for (const char* id : {"1", "2", "3"})
        EXPECT_EQ(apply(job(id, "completed", "mock")), Took::Changed);
    apply(job("4", "completed", "tractor"));
    apply(job("5", "running", "mock"));
    apply(job("6", "failed", "mock"));
    EXPECT_EQ(jobs_.document(), R"({"jobs":6,"by_status":{"completed":4,"failed":1,"running":1},)"
                                R"("by_farm":{"mock":5,"tractor":1}})");
}

TEST_F(JobsSummaryTest, MovesAJobFromOneStatusToAnother) {
    apply(job_event("job.created", "a", R"("status": "queued", "farm": "mock")"));
    EXPECT_EQ(apply(job("a", "running", "mock")), Took::Changed);
    EXPECT_EQ(apply(job("a", "completed", "tractor")), Took::Changed);
    EXPECT_EQ(jobs_.document(),
              R"({"jobs":1,"by_status":{"completed":1},"by_farm":{"tractor":1}})");
}

TEST_F(JobsSummaryTest, TakesRemovedJobsAway) {
    apply(job("a", "running", "mock"));
    EXPECT_EQ(apply(job_event("job.removed", "a")), Took::Changed);
    EXPECT_EQ(jobs_.document(), kEmpty);
    EXPECT_EQ(apply(job_event("job.removed", "a")), Took::Same);
    EXPECT_EQ(apply(job_event("job.removed", "never there")), Took::Same);
}

TEST_F(JobsSummaryTest, IsNotChangedByWhatComesTwice) {
    apply(job("a", "running", "mock"));
    const std::string before = jobs_.document();
    EXPECT_EQ(apply(job("a", "running", "mock")), Took::Same);
    EXPECT_EQ(apply(job_event("job.created", "a", R"("status": "running")")), Took::Same);
    EXPECT_EQ(jobs_.document(), before);
}

TEST_F(JobsSummaryTest, KeepsWhatAnEventDoesNotSay) {
    apply(job("a", "running", "mock"));
    apply(job_event("job.updated", "a"));
    apply(job_event("job.updated", "a", R"("farm": null, "status": 7)"));
    apply(job_event("job.updated", "a", R"("status": "completed")"));
    EXPECT_EQ(jobs_.document(), R"({"jobs":1,"by_status":{"completed":1},"by_farm":{"mock":1}})");
}

TEST_F(JobsSummaryTest, CountsAJobWithoutStatusAsUnknown) {
    apply(job_event("job.updated", "a"));
    EXPECT_EQ(jobs_.document(), R"({"jobs":1,"by_status":{"unknown":1},"by_farm":{"unknown":1}})");
    apply(job("a", "running", "mock"));
    EXPECT_EQ(jobs_.document(), R"({"jobs":1,"by_status":{"running":1},"by_farm":{"mock":1}})");
}

TEST_F(JobsSummaryTest, LeavesOutWhatIsNoEventOfAJob) {
    apply(job("a", "running", "mock"));
    const std::string before = jobs_.document();
    for (const char* data :
         {"1", "\"job.created\"", "null", "[]", "{}", R"({"event":"job.created"})",
          R"({"event":"job.created","job":null})", R"({"event":"job.created","job":[]})",
          R"({"event":"job.created","job":{}})", R"({"event":"job.created","job":{"job_id":""}})",
          R"({"event":"job.created","job":{"job_id":null}})",
          R"({"event":"job.created","job":{"job_id":{}}})", R"({"job":{"job_id":"b"}})",
          R"({"event":7,"job":{"job_id":"b"}})",
          R"({"event":"job.completed","job":{"job_id":"b"}})",
          R"({"event":"run.created","run":{"id":"b"}})"})
        EXPECT_EQ(apply(data), Took::Foreign) << data;
    EXPECT_EQ(jobs_.document(), before);
}

TEST_F(JobsSummaryTest, TakesNumbersAsIds) {
    apply(R"({"event":"job.created","job":{"job_id":7,"status":"queued","farm":"mock"}})");
    apply(R"({"event":"job.updated","job":{"job_id":7,"status":"running"}})");
    EXPECT_EQ(jobs_.document(), R"({"jobs":1,"by_status":{"running":1},"by_farm":{"mock":1}})");
}

TEST_F(JobsSummaryTest, TakesEscapesForWhatTheyStandFor) {
    apply(job("\\u0061", "ren\\u0064ering", "M\\u00fcnchen"));
    apply(job("a", "rendering", "München"));
    EXPECT_EQ(jobs_.document(),
              R"({"jobs":1,"by_status":{"rendering":1},"by_farm":{"München":1}})");
    apply(job("b", "say \\\"hi\\\"", "\\ud800"));
    EXPECT_EQ(jobs_.document(), R"({"jobs":2,"by_status":{"rendering":1,"say \"hi\"":1},)"
                                R"("by_farm":{"München":1,"\ud800":1}})");
}

TEST_F(JobsSummaryTest, ForgetsTheOldestBeyondItsBound) {
    JobsSummary few(2);
    few.apply(job("a", "queued", "mock"), 0);
    few.apply(job("b", "running", "mock"), 0);
    few.apply(job("a", "queued", "mock"), 0);  // now b is the one heard of longest ago
    few.apply(job("c", "completed", "tractor"), 0);
    EXPECT_EQ(few.document(), R"({"jobs":2,"by_status":{"completed":1,"queued":1},)"
                              R"("by_farm":{"mock":1,"tractor":1}})");
    EXPECT_EQ(few.forgotten(), 1u);
}

TEST_F(JobsSummaryTest, CountsMoreKindsThanItKeepsAsOthers) {
    const std::string overlong(ValueCounts::kMaxLength + 1, 'x');
    for (int i = 0; i < 1000; ++i)
        apply(job(std::to_string(i), "status-" + std::to_string(i), overlong));
    const std::string document = jobs_.document();
    EXPECT_NE(document.find(R"("by_farm":{"other":1000})"), std::string::npos) << document;
    EXPECT_NE(document.find(R"("other":745)"), std::string::npos) << document;

    // The room of those that are gone is used again.
    for (int i = 0; i < 1000; ++i)
        apply(job_event("job.removed", std::to_string(i)));
    EXPECT_EQ(jobs_.document(), kEmpty);
    apply(job("a", "new", "mock"));
    EXPECT_EQ(jobs_.document(), R"({"jobs":1,"by_status":{"new":1},"by_farm":{"mock":1}})");
}

TEST_F(JobsSummaryTest, ComesBackFromItsBytes) {
    for (int i = 0; i < 1000; ++i)
        apply(job(std::to_string(i), i % 3 == 0 ? "running" : "completed",
                  "farm-" + std::to_string(i % 7)));
    apply(job("0", "failed", "mock"));
    std::string bytes;
    jobs_.save(bytes);

    JobsSummary back(1'000'000);
    ASSERT_TRUE(back.load(bytes));
    EXPECT_EQ(back.document(), jobs_.document());
    std::string again;
    back.save(again);
    EXPECT_EQ(again.size(), bytes.size());

    // It goes on as the one that was saved.
    for (JobsSummary* jobs : {&jobs_, &back}) {
        jobs->apply(job("1", "failed", "mock"), 0);
        jobs->apply(job_event("job.removed", "2"), 0);
    }
    EXPECT_EQ(back.document(), jobs_.document());
}

TEST_F(JobsSummaryTest, ForgetsTheOldestOfWhatComesBackAsWell) {
    apply(job("a", "queued", "mock"));
    apply(job("b", "running", "mock"));
    std::string bytes;
    jobs_.save(bytes);
    JobsSummary one(1);
    ASSERT_TRUE(one.load(bytes));
    EXPECT_EQ(one.document(), R"({"jobs":1,"by_status":{"running":1},"by_farm":{"mock":1}})");
}

TEST_F(JobsSummaryTest, DoesNotComeBackFromBytesThatAreCut) {
    apply(job("a", "queued", "mock"));
    apply(job("b", "running", "mock"));
    std::string bytes;
    jobs_.save(bytes);
    for (size_t length = 0; length < bytes.size(); ++length)
        EXPECT_FALSE(JobsSummary(10).load(std::string_view(bytes).substr(0, length))) << length;
    EXPECT_FALSE(JobsSummary(10).load(bytes + "x"));
}

TEST_F(JobsSummaryTest, CountsAHundredThousandJobs) {
    constexpr int kJobs = 100'000;
    const char* statuses[] = {"queued", "running", "completed"};
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < kJobs; ++i)
            apply(job("job-" + std::to_string(i), statuses[round], "mock"));
    }
    for (int i = 0; i < kJobs; i += 2)
        apply(job_event("job.removed", "job-" + std::to_string(i)));
    EXPECT_EQ(jobs_.document(),
              R"({"jobs":50000,"by_status":{"completed":50000},"by_farm":{"mock":50000}})");
}

}  // namespace
}  // namespace herald::sidecar
