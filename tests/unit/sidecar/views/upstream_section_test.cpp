// When an upstream is asked, who waits for it, and what is shown meanwhile.
#include "sidecar/views/upstream_section.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "dashboard_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::HasSubstr;

constexpr const char* kZeros = R"({"projects":0,"shots":0,"versions":0,"errors":0})";

std::string sums(int projects) {
    return "{\"projects\":" + std::to_string(projects) +
           ",\"shots\":0,\"versions\":0,\"errors\":0}";
}

class UpstreamSectionTest : public DashboardFixture {
  protected:
    UpstreamSectionTest() {
        options_.url = server_.url("/status");
        options_.fetch.plain_http = true;
        options_.fetch.max_bytes = 100'000;
        options_.retry_pause_ms = 5;
    }

    UpstreamSection& section() {
        if (!section_)
            section_.emplace(loop_.get(), curl_, kStatusUpstream, options_, limits_);
        return *section_;
    }

    // What somebody sees who waits for as long as he has to.
    std::string ask() {
        bool ready = false;
        section().ask([&] { ready = true; });
        turn_until([&] { return ready; });
        return section().totals();
    }
    // What somebody sees who must not have to wait.
    std::string ask_at_once() {
        bool ready = false;
        section().ask([&] { ready = true; });
        EXPECT_TRUE(ready);
        return section().totals();
    }
    const UpstreamProject* ask_project(const std::string& name) {
        bool ready = false;
        section().ask_project(name, [&] { ready = true; });
        turn_until([&] { return ready; });
        return section().buckets().use(name);
    }
    size_t asked() { return server_.asked("/status"); }

    // Until a refresh that nobody waits for has brought this.
    void turn_until_shown(const std::string& totals) {
        turn_until([&] { return section().totals() == totals; });
    }
    void expire() {
        const uint64_t until = uv_now(loop_.get()) + limits_.ttl_ms;
        turn_until([&] { return uv_now(loop_.get()) >= until; });
    }

    CurlLoop curl_{loop_.get()};
    UpstreamOptions options_{};
    CacheLimits limits_{};
    std::optional<UpstreamSection> section_{};
};

TEST_F(UpstreamSectionTest, AsksWhenSomebodyWantsToKnow) {
    server_.answer("/status", sums(4));
    section();
    turn_until([n = 0]() mutable { return ++n > 10; });
    EXPECT_EQ(asked(), 0u);
    EXPECT_EQ(section().last_refresh(), "");
    EXPECT_EQ(ask(), sums(4));
    EXPECT_EQ(asked(), 1u);
    EXPECT_THAT(section().last_refresh(), testing::MatchesRegex("20..-..-..T..:..:......Z"));
}

TEST_F(UpstreamSectionTest, ServesFreshDataFromMemory) {
    server_.answer("/status", sums(4));
    ask();
    server_.answer("/status", sums(5));
    EXPECT_EQ(ask_at_once(), sums(4));
    EXPECT_EQ(asked(), 1u);
}

TEST_F(UpstreamSectionTest, ShowsOldDataWhileTheyAreRefreshed) {
    limits_.ttl_ms = 20;
    server_.answer("/status", sums(4));
    ask();
    server_.answer("/status", sums(5));
    server_.hold("/status");
    expire();
    EXPECT_EQ(ask_at_once(), sums(4));
    turn_until([&] { return asked() == 2; });
    EXPECT_EQ(ask_at_once(), sums(4));
    EXPECT_EQ(ask_at_once(), sums(4));
    server_.release("/status");
    turn_until_shown(sums(5));
    EXPECT_EQ(asked(), 2u) << "one refresh at a time";
}

TEST_F(UpstreamSectionTest, LetsAllWaitForOneAnswerAtTheStart) {
    server_.answer("/status", sums(4));
    server_.hold("/status");
    int ready = 0;
    for (int i = 0; i < 3; ++i)
        section().ask([&] { ++ready; });
    turn_until([&] { return asked() == 1; });
    EXPECT_EQ(ready, 0);
    server_.release("/status");
    turn_until([&] { return ready == 3; });
    EXPECT_EQ(asked(), 1u);
}

TEST_F(UpstreamSectionTest, AsksEachTimeWhereNothingIsKept) {
    limits_.ttl_ms = 0;
    for (int i = 1; i <= 3; ++i) {
        server_.answer("/status", sums(i));
        EXPECT_EQ(ask(), sums(i));
    }
    EXPECT_EQ(asked(), 3u);
}

TEST_F(UpstreamSectionTest, ShowsZerosWhereNothingIsKnown) {
    options_.url.clear();
    EXPECT_EQ(ask_at_once(), kZeros);
    EXPECT_EQ(section().last_refresh(), "");
}

TEST_F(UpstreamSectionTest, LetsNobodyWaitTwiceForAnUpstreamThatFails) {
    server_.answer("/status", "", "500 Oops");
    EXPECT_EQ(ask(), kZeros);
    server_.hold("/status");
    turn_until([&] { return ask_at_once() == kZeros && asked() == 2; });
    EXPECT_EQ(ask_at_once(), kZeros);
    server_.answer("/status", sums(4));
    server_.release("/status");
    turn_until_shown(sums(4));
}

TEST_F(UpstreamSectionTest, LeavesAnUpstreamAloneThatHasJustFailed) {
    options_.retry_pause_ms = 60'000;
    server_.answer("/status", "", "500 Oops");
    ask();
    ask_at_once();
    turn_until([n = 0]() mutable { return ++n > 10; });
    EXPECT_EQ(asked(), 1u);
    section().flush();
    ask();
    EXPECT_EQ(asked(), 2u);
}

TEST_F(UpstreamSectionTest, KeepsTheLastGoodThroughEveryFailure) {
    limits_.ttl_ms = 1;
    server_.answer("/status", sums(4));
    ask();
    const std::string refreshed = section().last_refresh();
    const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 48\r\n\r\n";
    for (const std::string& bytes :
         {std::string("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), whole + "{\"projects\":",
          std::string("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>"),
          std::string("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"projects\":4,"),
          std::string("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") + std::string(100'001, ' '),
          std::string("nonsense")}) {
        server_.answer_bytes("/status", bytes);
        const size_t before = asked();
        turn_until([&] { return ask_at_once() == sums(4) && asked() > before; });
    }
    EXPECT_EQ(section().last_refresh(), refreshed);
    server_.answer("/status", sums(6));
    turn_until([&] { return ask_at_once() == sums(6); });
}

TEST_F(UpstreamSectionTest, WaitsNoLongerThanItsTime) {
    options_.fetch.total_ms = 100;
    server_.hold("/status");
    EXPECT_EQ(ask(), kZeros);
    server_.release("/status");
}

TEST_F(UpstreamSectionTest, ForgetsEverythingByAFlush) {
    server_.answer("/status", R"([{"project":"alpha"}])");
    ask();
    EXPECT_EQ(section().buckets().projects().size(), 1u);
    section().flush();
    EXPECT_EQ(section().totals(), kZeros);
    EXPECT_EQ(section().last_refresh(), "");
    EXPECT_TRUE(section().buckets().projects().empty());
    server_.answer("/status", sums(5));
    EXPECT_EQ(ask(), sums(5));
}

TEST_F(UpstreamSectionTest, TakesNoAnswerFromBeforeAFlush) {
    server_.answer("/status", sums(4));
    server_.hold("/status");
    std::string seen;
    section().ask([&] { seen = section().totals(); });
    turn_until([&] { return asked() == 1; });
    section().flush();
    turn_until([&] { return asked() == 2; });
    server_.answer("/status", sums(5));
    server_.release("/status");
    turn_until([&] { return !seen.empty(); });
    EXPECT_EQ(seen, sums(5));
}

TEST_F(UpstreamSectionTest, KeepsNoMoreThanItsBounds) {
    limits_.max_records = 2;
    limits_.max_projects = 1;
    server_.answer("/status",
                   R"([{"project":"old"},{"project":"new","version":"1"},
                       {"project":"new","version":"2"},{"project":"new","version":"3"}])");
    EXPECT_EQ(ask(), R"({"projects":2,"shots":0,"versions":3,"errors":0})");
    ASSERT_EQ(section().buckets().projects().size(), 1u);
    EXPECT_EQ(section().buckets().projects().at("new").records.size(), 2u);
}

TEST_F(UpstreamSectionTest, AsksAgainForAProjectThatWasEvicted) {
    limits_.max_projects = 1;
    server_.answer("/status", R"([{"project":"old"},{"project":"new"}])");
    ask();
    EXPECT_NE(ask_project("new"), nullptr);
    EXPECT_EQ(asked(), 1u);
    EXPECT_NE(ask_project("old"), nullptr);
    EXPECT_EQ(asked(), 2u);
    EXPECT_EQ(ask_project("of nobody"), nullptr);
    EXPECT_EQ(asked(), 2u);
}

TEST_F(UpstreamSectionTest, SendsItsHeaders) {
    setenv("HERALD_TEST_TOKEN", " hush \n", 1);
    std::ofstream(directory_ / "key") << "k1\n";
    options_.headers.add("Authorization", "env:HERALD_TEST_TOKEN", "Bearer ");
    options_.headers.add("X-Key", "file:" + (directory_ / "key"));
    options_.headers.add("X-Plain", "as it is");
    server_.answer("/status", sums(1));
    limits_.ttl_ms = 0;
    ask();
    for (const char* header : {"Authorization: Bearer hush", "X-Key: k1", "X-Plain: as it is"})
        EXPECT_THAT(server_.requests().back(), HasSubstr(std::string(header) + "\r\n"));
    std::ofstream(directory_ / "key") << "k2\n";
    ask();
    EXPECT_THAT(server_.requests().back(), HasSubstr("X-Key: k2\r\n"));
}

TEST_F(UpstreamSectionTest, AsksNobodyWithoutASecretThatItShouldHave) {
    options_.headers.add("Authorization", "file:" + (directory_ / "none"), "Bearer ");
    server_.answer("/status", sums(1));
    EXPECT_EQ(ask(), kZeros);
    EXPECT_EQ(asked(), 0u);
}

TEST_F(UpstreamSectionTest, MayEndAtAnyTime) {
    server_.answer("/status", sums(1));
    server_.hold("/status");
    section().ask([] { FAIL(); });
    turn_until([&] { return asked() == 1; });
    section_.reset();
    server_.release("/status");
    turn_until([n = 0]() mutable { return ++n > 10; });
}

}  // namespace
}  // namespace herald::sidecar
