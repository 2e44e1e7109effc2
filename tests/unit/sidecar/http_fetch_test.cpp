// What plain http, headers and forms add to a fetch; https_fetch_test.cpp has the bounds of all.
#include "sidecar/http_fetch.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "views/dashboard_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class HttpFetchTest : public DashboardFixture {
  protected:
    HttpFetchTest() { options_.plain_http = true; }

    HttpFetch::Result fetch(HttpRequest request) {
        std::optional<HttpFetch::Result> result;
        const HttpFetch fetch(curl_, std::move(request), options_,
                              [&](HttpFetch::Result done) { result = std::move(done); });
        turn_until([&] { return result.has_value(); });
        return *result;
    }

    CurlLoop curl_{loop_.get()};
    FetchOptions options_{};
};

TEST_F(HttpFetchTest, GetsOverPlainHttpWhereThatIsFine) {
    server_.answer("/status", "{}");
    EXPECT_EQ(fetch({.url = server_.url("/status?a=1")}).body, "{}");
    EXPECT_THAT(server_.requests().front(), HasSubstr("GET /status?a=1 HTTP/1.1\r\n"));
    EXPECT_THAT(server_.requests().front(), HasSubstr("\r\nAccept: application/json\r\n"));
    options_.plain_http = false;
    EXPECT_NE(fetch({.url = server_.url("/status")}).error, "");
    EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(HttpFetchTest, SaysTheStatusOfAWholeAnswer) {
    server_.answer("/", "{}", "401 Unauthorized");
    const auto refused = fetch({.url = server_.url("/")});
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.error, "HTTP status 401");
    server_.answer_bytes("/cut", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    const auto cut = fetch({.url = server_.url("/cut")});
    EXPECT_EQ(cut.status, 0);
    EXPECT_NE(cut.error, "");
}

TEST_F(HttpFetchTest, SendsTheHeaders) {
    server_.answer("/", "{}");
    fetch({.url = server_.url("/"), .headers = {"Authorization: Bearer hush", "X-Key: k"}});
    EXPECT_THAT(server_.requests().front(), HasSubstr("\r\nAuthorization: Bearer hush\r\n"));
    EXPECT_THAT(server_.requests().front(), HasSubstr("\r\nX-Key: k\r\n"));
}

TEST_F(HttpFetchTest, PostsAForm) {
    server_.answer("/", "{}");
    fetch({.url = server_.url("/"), .form = form_text({{"a", "x y&=+"}, {"b", ""}})});
    EXPECT_THAT(server_.requests().front(), HasSubstr("POST / HTTP/1.1\r\n"));
    EXPECT_THAT(server_.requests().front(),
                HasSubstr("\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    EXPECT_THAT(server_.requests().front(), EndsWith("\r\n\r\na=x%20y%26%3D%2B&b="));
}

TEST_F(HttpFetchTest, TakesAFormNowhereElse) {
    server_.redirect("/", "/there");
    server_.answer("/there", "{}");
    EXPECT_EQ(fetch({.url = server_.url("/"), .form = "secret=hush"}).error, "HTTP status 302");
    EXPECT_EQ(server_.asked("/there"), 0u);
}

TEST_F(HttpFetchTest, FollowsAsManyRedirectsAsItMay) {
    server_.redirect("/1", "/2");
    server_.redirect("/2", "/3");
    server_.answer("/3", "{}");
    options_.max_redirects = 2;
    EXPECT_EQ(fetch({.url = server_.url("/1")}).body, "{}");
    options_.max_redirects = 1;
    EXPECT_EQ(fetch({.url = server_.url("/1")}).error, "more than 1 redirects");
}

TEST_F(HttpFetchTest, TakesHeadersToNoOtherServer) {
    HttpServer other;
    other.answer("/", "{}");
    server_.redirect("/away", other.url("/"));
    server_.redirect("/near", "/here");
    server_.answer("/here", "{}");
    const auto with = [](const std::string& url) {
        return HttpRequest{.url = url, .headers = {"X-Key: hush"}};
    };
    EXPECT_EQ(fetch(with(server_.url("/near"))).error, "");
    EXPECT_THAT(fetch(with(server_.url("/away"))).error, HasSubstr("another host"));
    EXPECT_EQ(other.requests().size(), 0u);
    EXPECT_EQ(fetch({.url = server_.url("/away")}).error, "") << "without headers it may";
}

TEST_F(HttpFetchTest, LeavesHttpForNothingElse) {
    for (const char* target : {"file:///etc/passwd", "ftp://127.0.0.1/"}) {
        server_.redirect("/", target);
        EXPECT_EQ(fetch({.url = server_.url("/")}).error,
                  "redirected to something other than http and https");
    }
}

TEST(HttpUrl, MayBePlainWhereThatIsFine) {
    EXPECT_EQ(fault_of_url("http://127.0.0.1:8100/status", true), "");
    EXPECT_EQ(fault_of_url("https://status.example/", true), "");
    EXPECT_THAT(fault_of_url("ftp://status.example/", true), HasSubstr("only http and https"));
    EXPECT_THAT(fault_of_url("http://status.example/", false), HasSubstr("only https"));
    EXPECT_THAT(fault_of_url("status", true), HasSubstr("http://host/path or https://host/path"));
}

}  // namespace
}  // namespace herald::sidecar
