// The registry between ShotGrid and its file, whatever either does.
#include "sidecar/views/project_registry.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "dashboard_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kToken = "/api/v1/auth/access_token";
constexpr const char* kProjects = "/api/v1/entity/projects";

std::string project(const std::string& attributes) {
    return R"({"type":"Project","id":1,"attributes":)" + attributes + R"(,"relationships":{}})";
}

std::string page(const std::vector<std::string>& projects, bool next = false) {
    std::string data;
    for (const std::string& one : projects)
        data += (data.empty() ? "" : ",") + one;
    return "{\"data\":[" + data + "],\"links\":{\"self\":\"x\"" + (next ? ",\"next\":\"y\"" : "") +
           "}}";
}

std::string named(const std::string& name) {
    return project("{\"name\":\"" + name + "\",\"archived\":false}");
}

class ProjectRegistryTest : public DashboardFixture {
  protected:
    ProjectRegistryTest() {
        setenv("HERALD_TEST_SCRIPT_KEY", "hush & key", 1);
        options_.file = {directory_ / "cache/projects.json", directory_ / "synced"};
        options_.shotgrid.url = server_.url();
        options_.shotgrid.client_id = "herald";
        options_.shotgrid.client_secret = "env:HERALD_TEST_SCRIPT_KEY";
        options_.shotgrid.fetch.plain_http = true;
        options_.times = {
            .refresh_ms = 0, .refetch_ms = 0, .first_retry_ms = 5, .longest_retry_ms = 20};
        server_.answer(kToken, R"({"token_type":"Bearer","access_token":"t1","expires_in":600})");
    }

    void begin() { registry_.emplace(loop_.get(), curl_, options_); }
    void turn_until_names(const std::set<std::string>& names) {
        turn_until([&] { return registry_->names() == names; });
    }
    void turn_until_synced() {
        turn_until([&] { return !registry_->synced().empty() && exists("synced"); });
    }
    // Another one, by the loop's own time.
    void turn_until_asked(const std::string& path) {
        turn_until([&, before = server_.asked(path)] { return server_.asked(path) > before; });
    }
    bool exists(const std::string& name) { return std::filesystem::exists(directory_ / name); }
    std::string text_of(const std::string& name) {
        std::stringstream text;
        text << std::ifstream(directory_ / name).rdbuf();
        return text.str();
    }
    void write_file(const std::string& text) {
        std::filesystem::create_directories(directory_ / "cache");
        std::ofstream(directory_ / "cache/projects.json") << text;
    }

    CurlLoop curl_{loop_.get()};
    RegistryOptions options_{};
    std::optional<ProjectRegistry> registry_{};
};

TEST_F(ProjectRegistryTest, IsHydratedAtTheStart) {
    server_.answer(kProjects, page({named(" beta "), project(R"({"code":"alpha"})"),
                                    project(R"({"name":" ","project":"gamma"})"), named("beta"),
                                    project(R"({"name":"gone","archived":true})"),
                                    project(R"({"name":"kept","sg_status":"Archived"})"),
                                    R"({"name":"delta"})", project("{}"), "7"}));
    begin();
    turn_until_synced();
    EXPECT_EQ(registry_->json(), R"(["alpha","beta","delta","gamma"])");
    EXPECT_EQ(text_of("cache/projects.json"),
              "[\n  \"alpha\",\n  \"beta\",\n  \"delta\",\n  \"gamma\"\n]\n");
    EXPECT_EQ(text_of("synced"), registry_->synced() + "\n");
}

TEST_F(ProjectRegistryTest, SpeaksShotgridsProtocol) {
    server_.answer(kProjects, page({}));
    begin();
    turn_until_synced();
    const auto requests = server_.requests();
    ASSERT_EQ(requests.size(), 2u);
    EXPECT_THAT(requests[0], HasSubstr("POST /api/v1/auth/access_token HTTP/1.1\r\n"));
    EXPECT_THAT(
        requests[0],
        EndsWith("grant_type=client_credentials&client_id=herald&client_secret=hush%20%26%20key"));
    EXPECT_THAT(requests[1], HasSubstr("GET /api/v1/entity/projects?fields=name,code,archived,"
                                       "sg_status&page%5Bsize%5D=500&page%5Bnumber%5D=1 "));
    EXPECT_THAT(requests[1], HasSubstr("\r\nAuthorization: Bearer t1\r\n"));
}

class PagedRegistryTest : public ProjectRegistryTest {
  protected:
    PagedRegistryTest() { options_.shotgrid.page_size = 2; }

    static std::string target(int number) {
        return std::string(kProjects) + "?fields=name,code,archived,sg_status&page%5Bsize%5D=2" +
               "&page%5Bnumber%5D=" + std::to_string(number);
    }
};

TEST_F(PagedRegistryTest, ReadsPagesUntilOneIsShort) {
    server_.answer(target(1), page({named("a"), named("b")}, true));
    server_.answer(target(2), page({named("c"), project(R"({"name":"x","archived":true})")}, true));
    server_.answer(target(3), page({named("d")}, true));
    begin();
    turn_until_names({"a", "b", "c", "d"});
    EXPECT_EQ(server_.asked(kProjects), 3u);
}

TEST_F(PagedRegistryTest, ReadsPagesUntilOneHasNoNext) {
    server_.answer(target(1), page({named("a"), named("b")}, true));
    server_.answer(target(2), page({named("c"), named("d")}));
    begin();
    turn_until_names({"a", "b", "c", "d"});
    EXPECT_EQ(server_.asked(kProjects), 2u);
}

TEST_F(PagedRegistryTest, TakesNoPartOfTheProjects) {
    write_file(R"(["old"])");
    server_.answer(target(1), page({named("a"), named("b")}, true));
    const std::string half = page({named("c")}).substr(0, 30);
    server_.answer(target(2), half);
    begin();
    turn_until_names({"old"});
    for (const std::string& answer : {half, std::string("{\"data\":7}"), std::string("[]")}) {
        server_.answer(target(2), answer);
        turn_until_asked(target(2).substr(0, target(2).find('?')));
        turn_until_asked(kToken);
        EXPECT_THAT(registry_->names(), ElementsAre("old"));
    }
    server_.answer(target(2), page({named("c")}));
    turn_until_names({"a", "b", "c"});
}

TEST_F(PagedRegistryTest, ReadsNoMorePagesThanItsBound) {
    options_.shotgrid.max_pages = 3;
    server_.answer(kProjects, page({named("a"), named("b")}, true));
    begin();
    turn_until([&] { return server_.asked(kToken) == 2; });
    EXPECT_THAT(registry_->names(), IsEmpty());
    EXPECT_FALSE(exists("cache/projects.json"));
    EXPECT_GE(server_.asked(kProjects), 3u);
}

TEST_F(PagedRegistryTest, RenewsATokenOnce) {
    server_.answer(kProjects, "", "401 Unauthorized");
    begin();
    turn_until([&] { return server_.asked(kToken) >= 4; });
    EXPECT_THAT(registry_->names(), IsEmpty()) << "two tokens each time, then a failure";
    server_.answer(target(1), page({named("a"), named("b")}, true));
    server_.hold(kProjects);
    server_.answer(target(2), page({named("c")}));
    server_.release(kProjects);
    turn_until_names({"a", "b", "c"});
}

TEST_F(ProjectRegistryTest, ServesTheFileWhileShotgridIsAway) {
    write_file(R"(["beta"," alpha ",{"code":"gamma"},7,"beta"])");
    std::ofstream(directory_ / "synced") << "2026-11-20T10:00:00.000Z\n";
    server_.answer(kToken, "", "500 Oops");
    begin();
    turn_until_names({"alpha", "beta", "gamma"});
    EXPECT_EQ(registry_->synced(), "2026-11-20T10:00:00.000Z");
    turn_until([&] { return server_.asked(kToken) >= 3; });
    EXPECT_EQ(registry_->json(), R"(["alpha","beta","gamma"])");
    EXPECT_THAT(text_of("cache/projects.json"), HasSubstr(" alpha ")) << "untouched";

    server_.answer(kProjects, page({named("alpha"), named("delta")}));
    server_.answer(kToken, R"({"access_token":"t2"})");
    turn_until_names({"alpha", "delta"});
    turn_until(
        [&] { return text_of("cache/projects.json") == "[\n  \"alpha\",\n  \"delta\"\n]\n"; });
}

TEST_F(ProjectRegistryTest, TakesNoTokenThatCannotStandInAHeader) {
    for (const char* token : {R"({"access_token":"a\r\nX: y"})", R"({"access_token":""})",
                              R"({"access_token":7})", "{}", "<html>"}) {
        server_.answer(kToken, token);
        if (!registry_)
            begin();
        turn_until_asked(kToken);
        turn_until_asked(kToken);
    }
    EXPECT_EQ(server_.asked(kProjects), 0u);
}

TEST_F(ProjectRegistryTest, GoesOnInMemoryWhileTheFileCannotBeWritten) {
    std::ofstream(directory_ / "cache") << "a file where the directory should be";
    server_.answer(kProjects, page({named("alpha")}));
    begin();
    turn_until_names({"alpha"});
    turn_until([n = 0]() mutable { return ++n > 10; });
    EXPECT_FALSE(exists("synced"));
    std::filesystem::remove(directory_ / "cache");
    turn_until([&] { return exists("synced"); });
    EXPECT_EQ(text_of("cache/projects.json"), "[\n  \"alpha\"\n]\n");
    EXPECT_EQ(server_.asked(kToken), 1u);
}

TEST_F(ProjectRegistryTest, AsksAgainWhereItIsTouchedAfterItHasExpired) {
    server_.answer(kProjects, page({named("alpha")}));
    begin();
    turn_until_synced();
    registry_->touch();
    server_.answer(kProjects, page({named("beta")}));
    registry_->expire();
    registry_->touch();
    registry_->touch();
    turn_until_names({"beta"});
    EXPECT_EQ(server_.asked(kToken), 2u);
}

TEST_F(ProjectRegistryTest, AsksAgainByItself) {
    options_.times.refresh_ms = 20;
    server_.answer(kProjects, page({named("alpha")}));
    begin();
    turn_until_names({"alpha"});
    server_.answer(kProjects, page({}));
    turn_until_names({});
    turn_until([&] { return text_of("cache/projects.json") == "[]\n"; });
}

TEST_F(ProjectRegistryTest, ReadsAndNeverWritesTheFileWithoutShotgrid) {
    options_.shotgrid.url.clear();
    options_.times.refresh_ms = 20;
    begin();
    turn_until([n = 0]() mutable { return ++n > 3; });
    EXPECT_EQ(registry_->json(), "[]");
    write_file(R"(["alpha"])");
    turn_until_names({"alpha"});
    write_file(R"({"projects":["beta"]})");
    turn_until([n = 0]() mutable { return ++n > 20; });
    EXPECT_EQ(registry_->json(), R"(["alpha"])");
    EXPECT_EQ(server_.requests().size(), 0u);
    EXPECT_EQ(text_of("cache/projects.json"), R"({"projects":["beta"]})");
}

TEST(ProjectFile, MayBeInTheWorkingDirectory) {
    const TemporaryDirectory directory;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(directory / "");
    EXPECT_EQ(write_projects({"projects.json", directory / "synced"}, {"alpha"}, "2026-11-21"), "");
    EXPECT_THAT(read_projects({"projects.json", directory / "synced"}).names, ElementsAre("alpha"));
    std::filesystem::current_path(before);
}

TEST(ProjectFile, HasNamesOfAnyBytes) {
    const TemporaryDirectory directory;
    const ProjectFile file{directory / "p", directory / "s"};
    const std::set<std::string> names{"\"quoted\"", "na\u00efve \xe2\x9c\x93", "tab\tinside"};
    ASSERT_EQ(write_projects(file, names, "2026-11-21T10:00:00.000Z"), "");
    EXPECT_EQ(read_projects(file).names, names);
    EXPECT_EQ(read_projects(file).synced, "2026-11-21T10:00:00.000Z");
}

TEST_F(ProjectRegistryTest, MayEndAtAnyTime) {
    server_.hold(kToken);
    begin();
    turn_until_asked(kToken);
    registry_.reset();
    server_.release(kToken);
    turn_until([n = 0]() mutable { return ++n > 10; });
}

}  // namespace
}  // namespace herald::sidecar
