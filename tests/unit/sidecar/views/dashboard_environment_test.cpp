#include "sidecar/views/dashboard_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DashboardEnvironment : public testing::Test {
  protected:
    DashboardConfig apply() {
        warnings_.clear();
        DashboardConfig config;
        config.cache_ttl_ms = 7000;
        config.cache_max_records = 70;
        config.cache_max_projects = 7;
        apply_environment(environment_, config, warnings_);
        return config;
    }
    std::string path(const DashboardConfig& config = {}) {
        return registry_path(environment_, config, "/state");
    }

    std::map<std::string, std::string> variables_{};
    Environment environment_ = [this](const char* name) {
        const auto found = variables_.find(name);
        return found == variables_.end() ? nullptr : found->second.c_str();
    };
    std::vector<std::string> warnings_{};
};

TEST_F(DashboardEnvironment, ChangesNothingWhereItSaysNothing) {
    variables_["ONEPIECE_DASHBOARD_CACHE_TTL"] = " ";
    const DashboardConfig config = apply();
    EXPECT_EQ(config.cache_ttl_ms, 7000u);
    EXPECT_EQ(config.cache_max_records, 70u);
    EXPECT_EQ(config.cache_max_projects, 7u);
    EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(DashboardEnvironment, WinsOverTheFile) {
    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_TTL", "45.5"},
                  {"ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS", "123"},
                  {"ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS", " +9 "}};
    const DashboardConfig config = apply();
    EXPECT_EQ(config.cache_ttl_ms, 45'500u);
    EXPECT_EQ(config.cache_max_records, 123u);
    EXPECT_EQ(config.cache_max_projects, 9u);
    EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(DashboardEnvironment, TakesTheNearestForWhatIsOutOfBounds) {
    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_TTL", "1e9"},
                  {"ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS", "99999999999999999999"},
                  {"ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS", "10001"}};
    DashboardConfig config = apply();
    EXPECT_EQ(config.cache_ttl_ms, kMaxCacheTtlMs);
    EXPECT_EQ(config.cache_max_records, kMaxCacheRecords);
    EXPECT_EQ(config.cache_max_projects, kMaxCacheProjects);
    EXPECT_EQ(warnings_.size(), 3u);
    EXPECT_THAT(warnings_.front(),
                HasSubstr("CACHE_TTL is \"1e9\", for which 86400 is taken; expected seconds from"));

    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_TTL", "-1"}};
    EXPECT_EQ(apply().cache_ttl_ms, 0u);
    EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(DashboardEnvironment, TakesZeroForNoCacheAndForNoBound) {
    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_TTL", "0"}};
    EXPECT_EQ(apply().cache_ttl_ms, 0u);
    EXPECT_THAT(warnings_, IsEmpty());
    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS", "0"}};
    EXPECT_EQ(apply().cache_max_records, kMaxCacheRecords);
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("for which 100000 is taken")));
    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS", "-3"}};
    EXPECT_EQ(apply().cache_max_projects, kMaxCacheProjects);
    EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(DashboardEnvironment, IgnoresWhatIsNoNumber) {
    for (const char* text : {"soon", "30s", "nan", "1,5", "0x10"}) {
        variables_ = {{"ONEPIECE_DASHBOARD_CACHE_TTL", text}};
        EXPECT_EQ(apply().cache_ttl_ms, 7000u) << text;
        EXPECT_THAT(warnings_, ElementsAre(HasSubstr("which is ignored"))) << text;
    }
    variables_ = {{"ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS", "0.5"}};
    EXPECT_EQ(apply().cache_max_projects, 7u);
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("which is ignored")));
}

TEST_F(DashboardEnvironment, SaysWhereTheRegistryIs) {
    EXPECT_EQ(path(), "/state/dashboard-projects.json");
    variables_["HOME"] = "/home/td";
    EXPECT_EQ(path(), "/home/td/.cache/onepiece/dashboard-projects.json");
    variables_["XDG_CACHE_HOME"] = "relative";
    EXPECT_EQ(path(), "/home/td/.cache/onepiece/dashboard-projects.json");
    variables_["XDG_CACHE_HOME"] = "/cache";
    EXPECT_EQ(path(), "/cache/onepiece/dashboard-projects.json");
    DashboardConfig config;
    config.projects = "/srv/projects.json";
    EXPECT_EQ(path(config), "/srv/projects.json");
    variables_["ONEPIECE_DASHBOARD_PROJECT_REGISTRY"] = "/env/projects.json";
    EXPECT_EQ(path(config), "/env/projects.json");
}

}  // namespace
}  // namespace herald::sidecar
