// [dashboard] of herald.toml: defaults, limits, and every error with its line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sidecar/config.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kFeed = "[[feed]]\nname = \"runs\"\nchannels = \"run:{id}\"\n";

DashboardConfig parse(const std::string& text) {
    return parse_config("[dashboard]\n" + text + "\n" + kFeed, "h.toml", "").dashboard.value();
}

// The one error of a [dashboard] table.
std::string error_in(const std::string& text) {
    try {
        parse(text);
    } catch (const ConfigError& error) {
        return error.messages().size() == 1 ? error.messages().front() : "several errors";
    }
    return "none";
}

TEST(DashboardConfig, IsThereWhereItsTableIs) {
    EXPECT_FALSE(parse_config(kFeed, "h.toml", "").dashboard.has_value());
    const DashboardConfig config = parse("");
    EXPECT_EQ(config.status, "");
    EXPECT_EQ(config.review, "");
    EXPECT_EQ(config.timeout_ms, 10'000u);
    EXPECT_EQ(config.max_bytes, 8u << 20);
    EXPECT_EQ(config.max_redirects, 3u);
    EXPECT_EQ(config.render, "render");
    EXPECT_EQ(config.ingest, "ingest");
    EXPECT_EQ(config.cache_ttl_ms, 30'000u);
    EXPECT_EQ(config.cache_max_records, 5000u);
    EXPECT_EQ(config.cache_max_projects, 50u);
    EXPECT_EQ(config.projects, "");
    EXPECT_EQ(config.shotgrid.url, "");
    EXPECT_EQ(config.shotgrid.refresh_ms, 600'000u);
    EXPECT_EQ(config.shotgrid.page_size, 500u);
}

TEST(DashboardConfig, TakesEveryKey) {
    const DashboardConfig config = parse(R"(
status = "http://127.0.0.1:8100/status?all=1"
review = "https://review.example/summary"
headers = { "X-Studio" = "north", "X-Key" = "file:/etc/herald/key" }
token = "env:DASHBOARD_UPSTREAM_TOKEN"
timeout = "5s"
max_bytes = "1M"
max_redirects = 0
render = "jobs"
ingest = "runs"
cache_ttl = "off"
cache_max_records = 10
cache_max_projects = 2
projects = "/srv/projects.json"
[dashboard.shotgrid]
url = "https://studio.example/"
client_id = "herald"
client_secret = "env:SHOTGRID_SCRIPT_KEY"
refresh = "1h"
page_size = 100
)");
    EXPECT_EQ(config.status, "http://127.0.0.1:8100/status?all=1");
    EXPECT_EQ(config.review, "https://review.example/summary");
    EXPECT_THAT(config.headers,
                testing::UnorderedElementsAre(Pair("X-Studio", "north"),
                                              Pair("X-Key", "file:/etc/herald/key")));
    EXPECT_EQ(config.token, "env:DASHBOARD_UPSTREAM_TOKEN");
    EXPECT_EQ(config.timeout_ms, 5000u);
    EXPECT_EQ(config.max_bytes, 1u << 20);
    EXPECT_EQ(config.max_redirects, 0u);
    EXPECT_EQ(config.render, "jobs");
    EXPECT_EQ(config.ingest, "runs");
    EXPECT_EQ(config.cache_ttl_ms, 0u);
    EXPECT_EQ(config.cache_max_records, 10u);
    EXPECT_EQ(config.cache_max_projects, 2u);
    EXPECT_EQ(config.projects, "/srv/projects.json");
    EXPECT_EQ(config.shotgrid.url, "https://studio.example");
    EXPECT_EQ(config.shotgrid.client_id, "herald");
    EXPECT_EQ(config.shotgrid.client_secret, "env:SHOTGRID_SCRIPT_KEY");
    EXPECT_EQ(config.shotgrid.refresh_ms, 3600'000u);
    EXPECT_EQ(config.shotgrid.page_size, 100u);
}

TEST(DashboardConfig, RefusesWhatIsNoUrl) {
    EXPECT_EQ(error_in("status = \"status.example\""),
              "h.toml:2: [dashboard] status is no URL; expected http://host/path or "
              "https://host/path");
    EXPECT_THAT(error_in("review = \"ftp://x/\""), HasSubstr("only http and https are fetched"));
}

TEST(DashboardConfig, WantsSecretsByWhereTheyAre) {
    EXPECT_EQ(error_in("token = \"hush\""),
              "h.toml:2: [dashboard] token names no secret; expected \"env:NAME\" or "
              "\"file:/PATH\"");
    for (const char* place : {"env:", "env:A=B", "file:", "file:key", "ENV:A"})
        EXPECT_THAT(error_in("token = \"" + std::string(place) + "\""),
                    HasSubstr("names no secret"))
            << place;
    EXPECT_THAT(error_in("headers = { \"X-Key\" = \"env:\" }"), HasSubstr("names no secret"));
}

TEST(DashboardConfig, RefusesWhatIsNoHeader) {
    EXPECT_EQ(
        error_in("headers = { \"X Key\" = \"k\" }"),
        "h.toml:2: [dashboard] headers \"X Key\" is no header's name; expected letters, digits "
        "and dashes");
    EXPECT_THAT(error_in("headers = { X = \"a\\r\\nb\" }"), HasSubstr("has no fit value"));
    EXPECT_THAT(error_in("headers = { X = 7 }"), HasSubstr("is an integer; expected a string"));
}

TEST(DashboardConfig, HasBounds) {
    EXPECT_EQ(error_in("timeout = \"2m\""),
              "h.toml:2: [dashboard] timeout is no time from 1s to 1m");
    EXPECT_THAT(error_in("timeout = \"off\""), HasSubstr("is no time from 1s to 1m"));
    EXPECT_EQ(error_in("max_bytes = 100"),
              "h.toml:2: [dashboard] max_bytes is 100; expected 1K to 32M");
    EXPECT_EQ(error_in("max_redirects = 11"),
              "h.toml:2: [dashboard] max_redirects is 11; expected 0 to 10");
    EXPECT_THAT(error_in("cache_ttl = \"2d\""), HasSubstr("is 2d; expected \"1s\" to \"1d\""));
    EXPECT_EQ(error_in("cache_max_records = 0"),
              "h.toml:2: [dashboard] cache_max_records is 0; expected 1 to 100000");
    EXPECT_EQ(error_in("cache_max_projects = 10001"),
              "h.toml:2: [dashboard] cache_max_projects is 10001; expected 1 to 10000");
    EXPECT_THAT(error_in("projects = \"projects.json\""), HasSubstr("absolute path"));
    EXPECT_THAT(error_in("render = \"metrics\""), HasSubstr("expected the name of a [[view]]"));
    EXPECT_THAT(error_in("statsu = \"http://x/\""), HasSubstr("did you mean \"status\"?"));
}

TEST(DashboardConfig, WantsShotgridWholeOrNotAtAll) {
    EXPECT_EQ(error_in("[dashboard.shotgrid]\nurl = \"https://s.example\"\nclient_id = \"x\""),
              "h.toml:2: [dashboard.shotgrid] has no client_secret; it needs url, client_id and "
              "client_secret");
    const std::string whole =
        "[dashboard.shotgrid]\nclient_id = \"x\"\nclient_secret = \"env:X\"\nurl = ";
    EXPECT_THAT(error_in(whole + "\"https://s.example?x=1\""), HasSubstr("has a query"));
    EXPECT_THAT(error_in(whole + "\"https://s.example\"\npage_size = 501"),
                HasSubstr("expected 1 to 500"));
    EXPECT_THAT(
        error_in(
            "[dashboard.shotgrid]\nurl = \"http://x\"\nclient_id = \"x\"\nclient_secret = \"k\""),
        HasSubstr("client_secret names no secret"));
}

TEST(DashboardConfig, IsSummedUpWithoutItsSecrets) {
    EXPECT_EQ(summary_of(parse("status = \"http://u:hush@h.example/s?key=hush\"")),
              "dashboard: status from http://h.example/s, review from nowhere, projects from "
              "nowhere, kept 30s");
}

}  // namespace
}  // namespace herald::sidecar
