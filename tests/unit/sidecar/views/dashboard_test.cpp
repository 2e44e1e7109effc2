// The dashboard's views as whole documents.
#include "sidecar/views/dashboard.hpp"

#include <gmock/gmock.h>

#include <map>
#include <optional>

#include "dashboard_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr const char* kNothing =
    R"({"status":{"projects":0,"shots":0,"versions":0,"errors":0},)"
    R"("ingest":{"counts":{"total":0,"successful":0,"failed":0,"running":0},)"
    R"("last_success_at":null,"failure_streak":0},)"
    R"("render":{"jobs":0,"by_status":{},"by_farm":{}},)"
    R"("review":{"totals":{"projects":0,"playlists":0,"clips":0,"shots":0,)"
    R"("duration_seconds":0.0},"projects":[]}})";

// A view of events, whose answer is there at once, or when it is said.
class EventsView final : public View {
  public:
    void ask(ViewRequest, Answered answered) override {
        if (held)
            waiting.push_back(std::move(answered));
        else
            answered(answer);
    }
    ViewAnswer answer{};
    bool held = false;
    std::vector<Answered> waiting{};
};

class DashboardTest : public DashboardFixture {
  protected:
    Dashboard& dashboard() {
        if (!dashboard_) {
            const Environment environment = [this](const char* name) {
                const auto found = variables_.find(name);
                return found == variables_.end() ? nullptr : found->second.c_str();
            };
            dashboard_.emplace(loop_.get(), config_, directory_ / "", environment, views_);
        }
        return *dashboard_;
    }
    ViewAnswer ask(const std::string& view, const std::string& item = "", bool flush = false) {
        dashboard();
        std::optional<ViewAnswer> answer;
        views_.find(view)->ask({item, "", flush},
                               [&](ViewAnswer came) { answer = std::move(came); });
        turn_until([&] { return answer.has_value(); });
        return *answer;
    }

    DashboardConfig config_{};
    Views views_{};
    EventsView render_{};
    EventsView ingest_{};
    std::map<std::string, std::string> variables_{};
    std::optional<Dashboard> dashboard_{};
};

TEST_F(DashboardTest, ShowsTheWholeSchemaWhereNothingIsConfigured) {
    const ViewAnswer answer = ask("metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, kNothing);
}

TEST_F(DashboardTest, ShowsAllSectionsInTheOrderOfTheDocument) {
    config_.status = server_.url("/status");
    config_.review = server_.url("/review");
    config_.ingest = "runs-of-all";
    server_.answer("/status", R"({"projects":4,"shots":128,"versions":512,"errors":3})");
    server_.answer("/review", R"({"totals":{"projects":3,"playlists":7,"clips":42,"shots":28,)"
                              R"("duration_seconds":963.5},"projects":[{"project":"alpha",)"
                              R"("playlists":3,"clips":18,"shots":12,"duration_seconds":450.0}]})");
    ingest_.answer.body = R"({"ingest":1})";
    render_.answer.body = R"({"render":1})";
    views_.add("runs-of-all", ingest_);
    views_.add("render", render_);
    EXPECT_EQ(ask("metrics").body,
              R"({"status":{"projects":4,"shots":128,"versions":512,"errors":3},)"
              R"("ingest":{"ingest":1},"render":{"render":1},)"
              R"("review":{"totals":{"projects":3,"playlists":7,"clips":42,"shots":28,)"
              R"("duration_seconds":963.5},"projects":[{"project":"alpha","playlists":3,)"
              R"("clips":18,"shots":12,"duration_seconds":450.0}]}})");
}

TEST_F(DashboardTest, ShowsZerosForAViewThatHasNothing) {
    ingest_.answer = {503, R"({"detail":"not made yet"})"};
    views_.add("ingest", ingest_);
    EXPECT_EQ(ask("metrics").body, kNothing);
}

TEST_F(DashboardTest, DoesNotWaitForAViewForEver) {
    config_.timeout_ms = 50;
    ingest_.held = true;
    views_.add("ingest", ingest_);
    EXPECT_EQ(ask("metrics").body, kNothing);
    ingest_.waiting.front()({200, "{}"});
}

TEST_F(DashboardTest, SaysTheSettingsAsTheOriginalDid) {
    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_TTL", "45"},
                  {"ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS", "123"},
                  {"ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS", "7"}};
    EXPECT_EQ(ask("cache").body,
              R"({"ttl_seconds":45.0,"max_records":123,"max_projects":7,"buckets":{)"
              R"("status":{"entries":0,"projects":{},"last_refresh":null},)"
              R"("review":{"entries":0,"projects":{},"last_refresh":null},)"
              R"("projects":{"entries":0,"last_refresh":null}}})");
}

TEST_F(DashboardTest, SaysWhatIsKeptAndForgetsItByAFlush) {
    config_.status = server_.url("/status");
    config_.cache_max_records = 2;
    config_.cache_max_projects = 2;
    server_.answer("/status", R"([{"project":"a"},{"project":"b","version":"1"},)"
                              R"({"project":"b","version":"2"},{"project":"b","version":"3"},)"
                              R"({"project":"c"}])");
    ask("metrics");
    EXPECT_THAT(ask("cache").body,
                HasSubstr(R"("status":{"entries":3,"projects":{"b":2,"c":1},"last_refresh":"20)"));
    EXPECT_THAT(ask("cache", "", true).body,
                HasSubstr(R"("status":{"entries":0,"projects":{},"last_refresh":null})"));
    EXPECT_EQ(server_.asked("/status"), 1u);
    EXPECT_THAT(ask("metrics").body, StartsWith(R"({"status":{"projects":3,)"));
    EXPECT_EQ(server_.asked("/status"), 2u);
}

TEST_F(DashboardTest, ListsProjectsAndWhatIsKeptOfEach) {
    config_.status = server_.url("/status");
    config_.review = server_.url("/review");
    config_.projects = directory_ / "projects.json";
    server_.answer("/status", R"([{"project":"a","shot":"s","version":"1"},)"
                              R"({"project":"a","shot":"s","version":"2"}])");
    server_.answer("/review", R"([{"project":"b","clips":3}])");
    ASSERT_EQ(write_projects({directory_ / "projects.json", directory_ / "s"}, {"a", "new \"x\""},
                             "2026-11-21T10:00:00.000Z"),
              "");
    turn_until([&] { return ask("projects").body != "[]"; });
    EXPECT_EQ(ask("projects").body, R"(["a","new \"x\""])");
    EXPECT_EQ(ask("projects", "a").body,
              R"({"project":"a","status":{"shots":1,"versions":2,"errors":0},)"
              R"("review":{"playlists":0,"clips":0,"shots":0,"duration_seconds":0.0},)"
              R"("versions":[{"project":"a","shot":"s","version":"2"},)"
              R"({"project":"a","shot":"s","version":"1"}],"playlists":[]})");
    EXPECT_THAT(ask("projects", "b").body, HasSubstr(R"("playlists":[{"project":"b","clips":3}])"));
    EXPECT_EQ(ask("projects", "new \"x\"").status, 200);
    const ViewAnswer unknown = ask("projects", "c");
    EXPECT_EQ(unknown.status, 404);
    EXPECT_EQ(unknown.body, R"({"detail":"Project not found"})");
}

TEST_F(DashboardTest, HasNoOtherItems) {
    EXPECT_EQ(ask("metrics", "x").status, 404);
    EXPECT_EQ(ask("cache", "x").status, 404);
}

TEST_F(DashboardTest, SendsTheTokenToTheUpstreams) {
    config_.status = server_.url("/status");
    config_.headers = {{"X-Studio", "north"}};
    setenv("HERALD_TEST_TOKEN", "hush", 1);
    config_.token = "env:HERALD_TEST_TOKEN";
    ask("metrics");
    EXPECT_THAT(server_.requests().front(), HasSubstr("Authorization: Bearer hush\r\n"));
    EXPECT_THAT(server_.requests().front(), HasSubstr("X-Studio: north\r\n"));
}

TEST_F(DashboardTest, MayEndWhileSomebodyWaits) {
    config_.status = server_.url("/status");
    server_.hold("/status");
    ingest_.held = true;
    views_.add("ingest", ingest_);
    dashboard();
    views_.find("metrics")->ask({}, [](ViewAnswer) { FAIL(); });
    turn_until([&] { return server_.asked("/status") == 1; });
    dashboard_.reset();
    ingest_.waiting.front()({200, "{}"});
    server_.release("/status");
    turn_until([n = 0]() mutable { return ++n > 10; });
}

}  // namespace
}  // namespace herald::sidecar
