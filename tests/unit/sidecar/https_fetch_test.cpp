// One fetch, from endpoints that behave and from those that do not.
#include "sidecar/https_fetch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "run_until.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"
#include "tls_server.hpp"

namespace herald::sidecar {
namespace {

using testing::HasSubstr;
using testing::Not;

class HttpsFetchTest : public testing::Test {
  protected:
    HttpsFetchTest() {
        setenv("no_proxy", "*", 1);  // whatever the machine's way out is
        options_.ca_file = directory_ / "ca.pem";
    }

    HttpsFetch::Result fetch(const std::string& url) {
        std::optional<HttpsFetch::Result> result;
        const HttpsFetch fetch(curl_, url, options_,
                               [&](HttpsFetch::Result done) { result = std::move(done); });
        run_until(loop_.get(), [&] { return result.has_value(); });
        return *result;
    }
    HttpsFetch::Result fetch_path(const std::string& path) { return fetch(server_.url(path)); }

    void redirect(const std::string& path, const std::string& target) {
        server_.answer(path, "HTTP/1.1 302 Found\r\nLocation: " + target +
                                 "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }

    TemporaryDirectory directory_{};
    TlsServer server_{directory_ / "ca.pem"};
    Loop loop_{};
    CurlLoop curl_{loop_.get()};
    FetchOptions options_{};
};

TEST_F(HttpsFetchTest, GetsTheBody) {
    server_.answer_json("/jwks?x=1", "{}");
    const auto result = fetch_path("/jwks?x=1");
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.body, "{}");
}

TEST_F(HttpsFetchTest, GetsABodyThatEndsWithTheConnection) {
    server_.answer("/", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody");
    EXPECT_EQ(fetch_path("/").body, "body");
}

TEST_F(HttpsFetchTest, TrustsNoOtherAuthority) {
    server_.answer_json("/", "{}");
    options_.ca_file.clear();
    EXPECT_THAT(fetch_path("/").error, HasSubstr("certificate"));
    const TlsServer other(directory_ / "other.pem");
    options_.ca_file = directory_ / "other.pem";
    EXPECT_THAT(fetch_path("/").error, HasSubstr("certificate"));
    EXPECT_EQ(server_.hits(), 0);
}

TEST_F(HttpsFetchTest, WantsTheHostsOwnCertificate) {
    EXPECT_NE(fetch("https://localhost:" + std::to_string(server_.port()) + "/").error, "");
    EXPECT_EQ(server_.hits(), 0);
}

TEST_F(HttpsFetchTest, SaysThatTheAuthoritiesFileIsMissing) {
    options_.ca_file = directory_ / "missing.pem";
    EXPECT_NE(fetch_path("/").error, "");
}

TEST_F(HttpsFetchTest, FollowsThreeRedirects) {
    redirect("/1", "/2");
    redirect("/2", server_.url("/3"));
    redirect("/3", "/4");
    server_.answer_json("/4", "{}");
    EXPECT_EQ(fetch_path("/1").body, "{}");
    redirect("/4", "/5");
    EXPECT_EQ(fetch_path("/1").error, "more than 3 redirects");
}

TEST_F(HttpsFetchTest, DoesNotLeaveHttps) {
    for (const char* target : {"http://127.0.0.1/", "file:///etc/passwd", "ftp://127.0.0.1/"}) {
        redirect("/", target);
        EXPECT_EQ(fetch_path("/").error, "redirected to something other than https") << target;
    }
    EXPECT_NE(fetch("http://127.0.0.1:" + std::to_string(server_.port()) + "/").error, "");
}

TEST_F(HttpsFetchTest, TakesNoBodyBeyondItsBound) {
    options_.max_bytes = 1000;
    server_.answer_json("/", std::string(1000, 'x'));
    EXPECT_EQ(fetch_path("/").body.size(), 1000u);
    server_.answer_json("/", std::string(1001, 'x'));
    EXPECT_EQ(fetch_path("/").error, "the answer is larger than 1000 bytes");
    server_.answer("/", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(9999, 'x'));
    EXPECT_EQ(fetch_path("/").error, "the answer is larger than 1000 bytes");
}

TEST_F(HttpsFetchTest, EndsInTime) {
    options_.total_ms = 300;
    server_.answer("/silent", "", true);
    server_.answer("/slow", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true);
    for (const char* path : {"/silent", "/slow"})
        EXPECT_THAT(fetch_path(path).error, HasSubstr("no answer in time")) << path;
}

TEST_F(HttpsFetchTest, TakesNothingBut200ForAnAnswer) {
    for (const char* status : {"500 Oops", "404 Not Found", "204 No Content", "304 Not Modified"}) {
        server_.answer("/", "HTTP/1.1 " + std::string(status) + "\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(fetch_path("/").error, "HTTP status " + std::string(status).substr(0, 3));
    }
}

TEST_F(HttpsFetchTest, FailsWhereTheConnectionEndsTooSoon) {
    server_.answer("/none", "");
    server_.answer("/cut", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    server_.answer("/garbage", std::string(100, '\0'));
    for (const char* path : {"/none", "/cut", "/garbage"})
        EXPECT_NE(fetch_path(path).error, "") << path;
    const std::string url = server_.url("/");
    server_.stop();
    EXPECT_THAT(fetch(url).error, HasSubstr("connect"));
}

TEST_F(HttpsFetchTest, MayBeGivenUp) {
    server_.answer("/", "", true);
    {
        const HttpsFetch fetch(curl_, server_.url("/"), options_,
                               [](const HttpsFetch::Result&) { FAIL(); });
        run_until(loop_.get(), [this] { return server_.hits() == 1; });
    }
    uv_run(loop_.get(), UV_RUN_NOWAIT);
}

TEST(HttpsUrl, IsHttps) {
    EXPECT_EQ(fault_of_url("https://id.example/jwks"), "");
    EXPECT_EQ(fault_of_url("HTTPS://u:p@id.example:8443/jwks?x=1#f"), "");
    EXPECT_THAT(fault_of_url("http://id.example/jwks"), HasSubstr("only https"));
    EXPECT_THAT(fault_of_url("file:///etc/passwd"), HasSubstr("https://host/path"));
    for (const char* url : {"", "id.example", "https://", "https://a b/"})
        EXPECT_NE(fault_of_url(url), "") << url;
}

TEST(HttpsUrl, IsLoggedWithoutItsSecrets) {
    EXPECT_EQ(url_for_log("https://u:hush@id.example:8443/jwks?token=hush#hush"),
              "https://id.example:8443/jwks");
    EXPECT_EQ(url_for_log("https://id.example/"), "https://id.example/");
    EXPECT_THAT(url_for_log("https://u:hush@@:x y/"), Not(HasSubstr("hush")));
}

TEST(FetchOptions, NameTheEnvironmentsAuthorities) {
    unsetenv("CURL_CA_BUNDLE");
    setenv("SSL_CERT_FILE", "/a.pem", 1);
    EXPECT_EQ(fetch_options().ca_file, "/a.pem");
    setenv("CURL_CA_BUNDLE", "/b.pem", 1);
    EXPECT_EQ(fetch_options().ca_file, "/b.pem");
    setenv("CURL_CA_BUNDLE", "", 1);
    unsetenv("SSL_CERT_FILE");
    EXPECT_EQ(fetch_options().ca_file, "");
    unsetenv("CURL_CA_BUNDLE");
}

}  // namespace
}  // namespace herald::sidecar
