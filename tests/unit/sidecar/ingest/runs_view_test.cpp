// GET /runs and GET /runs/{id}, without nginx.
#include "sidecar/ingest/runs_view.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace herald::sidecar {
namespace {

class RunsViewTest : public testing::Test {
  protected:
    void show(size_t count) {
        std::vector<RunPtr> runs;
        for (size_t i = 1; i <= count; ++i)
            runs.push_back(std::make_shared<const IngestRun>(
                IngestRun{"run-" + std::to_string(i), static_cast<int64_t>(i), std::to_string(i)}));
        view_.show(std::make_shared<const RunSnapshot>(std::move(runs)));
    }
    ViewAnswer ask(std::string item, std::string query = "") {
        ViewAnswer answer;
        int answers = 0;
        view_.ask({std::move(item), std::move(query), false}, [&](ViewAnswer given) {
            answer = std::move(given);
            ++answers;
        });
        EXPECT_EQ(answers, 1);
        return answer;
    }
    // Of a list.
    size_t count(const std::string& query) {
        const ViewAnswer answer = ask("", query);
        EXPECT_EQ(answer.status, 200) << query;
        return static_cast<size_t>(std::count(answer.body.begin(), answer.body.end(), ',')) + 1;
    }

    RunsView view_{};
};

TEST_F(RunsViewTest, IsAnArrayWithTheNewestFirst) {
    show(3);
    EXPECT_EQ(ask("").body, "[3,2,1]");
    EXPECT_EQ(ask("", "limit=2").body, "[3,2]");
}

TEST_F(RunsViewTest, MayBeEmpty) {
    show(0);
    EXPECT_EQ(ask("").body, "[]");
    EXPECT_EQ(ask("").status, 200);
}

TEST_F(RunsViewTest, HasTwentyRunsAndUpToAHundred) {
    show(300);
    EXPECT_EQ(count(""), 20u);
    EXPECT_EQ(count("limit=1"), 1u);
    EXPECT_EQ(count("limit=100"), 100u);
    EXPECT_EQ(count("x=1&limit=7&limit=8"), 7u);
}

TEST_F(RunsViewTest, RefusesOtherLimitsAsFastApiDoes) {
    show(1);
    EXPECT_EQ(ask("", "limit=0").status, 422);
    EXPECT_EQ(
        ask("", "limit=0").body,
        R"({"detail":[{"loc":["query","limit"],"msg":"ensure this value is greater than or equal to 1",)"
        R"("type":"value_error.number.not_ge"}]})");
    EXPECT_EQ(
        ask("", "limit=101").body,
        R"({"detail":[{"loc":["query","limit"],"msg":"ensure this value is less than or equal to 100",)"
        R"("type":"value_error.number.not_le"}]})");
    for (const char* limit : {"-1", "-99999999999999999999"})
        EXPECT_NE(ask("", std::string("limit=") + limit).body.find("not_ge"), std::string::npos);
    EXPECT_NE(ask("", "limit=99999999999999999999").body.find("not_le"), std::string::npos);
    for (const char* limit : {"", "ten", "1.5", "1 ", "+1", "0x1"}) {
        const ViewAnswer answer = ask("", std::string("limit=") + limit);
        EXPECT_EQ(answer.status, 422) << limit;
        EXPECT_NE(answer.body.find("value is not a valid integer"), std::string::npos) << limit;
    }
}

TEST_F(RunsViewTest, GivesARunByItsId) {
    show(3);
    EXPECT_EQ(ask("run-2").status, 200);
    EXPECT_EQ(ask("run-2").body, "2");
}

TEST_F(RunsViewTest, DoesNotFindOthers) {
    show(3);
    for (const char* id : {"run-4", "run", "run-2/", "."}) {
        EXPECT_EQ(ask(id).status, 404) << id;
        EXPECT_EQ(ask(id).body, R"({"detail":"Run not found"})") << id;
    }
}

TEST_F(RunsViewTest, LeavesOutRunsWhoseTextIsUnknown) {
    view_.show(std::make_shared<const RunSnapshot>(
        std::vector<RunPtr>{std::make_shared<const IngestRun>(IngestRun{"a", 1, "1"}),
                            std::make_shared<const IngestRun>(IngestRun{"b", 2, ""})}));
    EXPECT_EQ(ask("").body, "[1]");
    EXPECT_EQ(ask("b").status, 404);
}

TEST_F(RunsViewTest, CannotBeFlushed) {
    show(1);
    ViewAnswer answer;
    view_.ask({"", "", true}, [&](ViewAnswer given) { answer = std::move(given); });
    EXPECT_EQ(answer.status, 405);
}

TEST_F(RunsViewTest, IsUnavailableBeforeAnythingIsKnown) {
    EXPECT_EQ(ask("").status, 503);
    EXPECT_EQ(ask("run-1").status, 503);
}

}  // namespace
}  // namespace herald::sidecar
