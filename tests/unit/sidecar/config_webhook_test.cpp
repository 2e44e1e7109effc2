// The [[feed.webhook]] tables: what they take, and what is said about what is wrong in them.
#include "sidecar/config_webhook.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "sidecar/check.hpp"
#include "sidecar/config.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

// Lines 1 to 6; what is tested begins in line 7.
constexpr const char* kFeed =
    "[[feed]]\nname = \"jobs\"\nchannels = \"jobs:{id}\"\nevent = \"type\"\n"
    "rename = { \"job.done\" = \"done\" }\n[[feed.webhook]]\n";
constexpr const char* kKey = "0123456789abcdef01234567";

class WebhookConfigTest : public testing::Test {
  protected:
    WebhookConfigTest() {
        setenv("HERALD_TEST_KEY", kKey, 1);
        setenv("HERALD_TEST_URL", "https://hooks.example.com/T0/secret", 1);
        unsetenv("HERALD_TEST_NONE");
    }

    static std::vector<std::string> errors(const std::string& keys) {
        try {
            parse_config(kFeed + keys, "h.toml", "");
        } catch (const ConfigError& error) {
            return error.messages();
        }
        return {};
    }
    static WebhookConfig webhook(const std::string& keys) {
        return parse_config(kFeed + keys, "h.toml", "").feeds.at(0).webhooks.at(0);
    }
    static std::string with_url(const std::string& url) {
        return "url = \"" + url + "\"\nsecret = \"env:HERALD_TEST_KEY\"\n";
    }
    static std::string with(const std::string& keys) {
        return with_url("https://hooks.example.com/") + keys;
    }
    static void refuses(const std::string& keys, const std::string& message) {
        EXPECT_THAT(errors(keys), ElementsAre(HasSubstr(message))) << keys;
    }

    TemporaryDirectory directory_{};
};

TEST_F(WebhookConfigTest, NeedsAnUrlAndASecretAlone) {
    const WebhookConfig plain = webhook(with(""));
    EXPECT_EQ(plain.url, "https://hooks.example.com/");
    EXPECT_THAT(plain.keys, ElementsAre(kKey));
    EXPECT_TRUE(plain.every_event);
    EXPECT_EQ(plain.timeout_ms, 10'000u);
    EXPECT_EQ(plain.retry_for_ms, 86'400'000u);
    EXPECT_EQ(plain.max_pending, 1000u);
    EXPECT_EQ(plain.concurrency, 4u);
    refuses("secret = \"env:HERALD_TEST_KEY\"\n", "h.toml:6: [[feed.webhook]] has no url");
    refuses("url = \"https://hooks.example.com/\"\n", "h.toml:6: [[feed.webhook]] has no secret");
}

TEST_F(WebhookConfigTest, TakesEverything) {
    const WebhookConfig all = webhook(with(R"(
on = ["job.done", "failed"]
timeout = "3s"
retry_for = "2h"
max_pending = 7
concurrency = 2
headers = { "X-Api-Key" = "env:HERALD_TEST_KEY", "X-Plain" = "text" }
)"));
    EXPECT_THAT(all.on, UnorderedElementsAre("job.done", "done", "failed"));
    EXPECT_TRUE(all.wants("done"));
    EXPECT_FALSE(all.wants("started"));
    EXPECT_FALSE(all.wants(""));
    EXPECT_EQ(all.timeout_ms, 3000u);
    EXPECT_EQ(all.retry_for_ms, 7'200'000u);
    EXPECT_EQ(all.max_pending, 7u);
    EXPECT_EQ(all.concurrency, 2u);
    EXPECT_THAT(all.headers,
                UnorderedElementsAre(Pair("X-Api-Key", kKey), Pair("X-Plain", "text")));
}

TEST_F(WebhookConfigTest, WantsEveryEventWithoutOn) {
    EXPECT_TRUE(webhook(with("")).wants(""));
    EXPECT_TRUE(webhook(with("")).wants("anything"));
}

TEST_F(WebhookConfigTest, SendsOverHttpToThisMachineAlone) {
    for (const char* url :
         {"http://127.0.0.1:8080/x", "http://127.9.9.9/", "http://localhost/", "http://[::1]:80/"})
        EXPECT_THAT(errors(with_url(url)), ElementsAre()) << url;
    for (const char* url : {"http://hooks.example.com/", "http://10.0.0.1/", "http://[::2]/",
                            "http://localhost.example.com/"})
        refuses(with_url(url), "h.toml:7: [[feed.webhook]] url is http to another machine");
    EXPECT_THAT(errors(with_url("http://10.0.0.1/") + "insecure = true\n"), ElementsAre());
}

TEST_F(WebhookConfigTest, RefusesWhatIsNoUrl) {
    refuses(with_url("hooks"), "expected https://host/path");
    refuses(with_url(""), "is no URL");
    refuses(with_url("ftp://hooks.example.com/"), "is neither https nor http");
    refuses(with_url("file:///etc/passwd"), "");
    refuses(with_url("https://hooks.example.com/#x"), "has a fragment");
}

TEST_F(WebhookConfigTest, TakesSecretsFromTheEnvironmentAndFromFiles) {
    EXPECT_EQ(webhook(with_url("env:HERALD_TEST_URL")).url, "https://hooks.example.com/T0/secret");
    const std::string path = directory_ / "key";
    std::ofstream(path) << kKey << "\n";
    const std::string url = "url = \"https://hooks.example.com/\"\n";
    EXPECT_THAT(webhook(url + "secret = [\"env:HERALD_TEST_KEY\", \"file:" + path + "\"]\n").keys,
                ElementsAre(kKey, kKey));
    refuses(url + "secret = \"env:HERALD_TEST_NONE\"\n",
            "secret names the environment variable HERALD_TEST_NONE, which is not set");
    refuses(url + "secret = \"file:" + path + ".none\"\n", "which cannot be read: No such file");
    std::ofstream(path) << "\n";
    refuses(url + "secret = \"file:" + path + "\"\n", "which is empty");
    refuses(url + "secret = \"file:key\"\n", "expected \"env:NAME\" or \"file:/PATH\"");
    refuses(url + "secret = []\n", "secret is empty");
    refuses(url + "secret = 5\n", "secret is an integer; expected");
}

TEST_F(WebhookConfigTest, NeverTellsASecret) {
    setenv("HERALD_TEST_SHORT", "too-short", 1);
    const auto found =
        errors("url = \"https://hooks.example.com/\"\nsecret = \"env:HERALD_TEST_SHORT\"\n");
    EXPECT_THAT(found, ElementsAre(AllOf(HasSubstr("expected 24 bytes or more"),
                                         testing::Not(HasSubstr("too-short")))));
    refuses("url = \"https://hooks.example.com/\"\nsecret = \"0123456789abcdef0123456789\"\n",
            "names no secret");
    const Config config = parse_config(kFeed + with_url("env:HERALD_TEST_URL"), "h.toml", "");
    const std::string summary = summary_of(config.feeds[0]);
    EXPECT_THAT(summary,
                HasSubstr("sent to https://hooks.example.com (all events, retried for 1d)"));
    EXPECT_EQ(summary.find("secret"), std::string::npos);
}

TEST_F(WebhookConfigTest, RefusesOtherValues) {
    refuses(with("on = []\n"), "on is empty; expected an array of event names");
    refuses(with("on = \"done\"\n"), "on is a string");
    refuses(with("on = [5]\n"), "on holds an integer");
    refuses(with("on = [\"\"]\n"), "which no event can be called");
    refuses(with("timeout = \"1h\"\n"), "expected a length of time from \"1s\" to \"5m\"");
    refuses(with("retry_for = \"off\"\n"), "retry_for is \"off\"; expected a length of time");
    refuses(with("max_pending = 0\n"), "max_pending is 0; expected 1 to 10000");
    refuses(with("concurrency = 65\n"), "concurrency is 65; expected 1 to 64");
    refuses(with("headers = { \"webhook-id\" = \"x\" }\n"), "is set by Herald itself");
    refuses(with("headers = { \"Host\" = \"x\" }\n"), "is set by Herald itself");
    refuses(with("headers = { \"a b\" = \"x\" }\n"), "is no name of a header");
    refuses(with("headers = { \"a\" = \"x\\r\\nb: c\" }\n"), "holds control characters");
    refuses(with("urls = 1\n"), "unknown key \"urls\" in [[feed.webhook]]");
}

TEST_F(WebhookConfigTest, RefusesNamesOfAFeedWithoutNames) {
    EXPECT_THAT(
        [&] {
            try {
                parse_config("[[feed]]\nname = \"x\"\nchannels = \"x:{id}\"\n[[feed.webhook]]\n" +
                                 with("on = [\"done\"]\n"),
                             "h.toml", "");
            } catch (const ConfigError& error) {
                return std::string(error.what());
            }
            return std::string();
        }(),
        HasSubstr("h.toml:7: [[feed.webhook]] on has no effect without the feed's event"));
}

TEST_F(WebhookConfigTest, RefusesTheSameUrlTwice) {
    refuses(with("") + "[[feed.webhook]]\n" + with(""),
            "url is that of another webhook of this feed");
    EXPECT_THAT(errors(with("") + "[[feed.webhook]]\n" + with_url("https://hooks.example.com/2")),
                ElementsAre());
}

TEST_F(WebhookConfigTest, RefusesASingleTable) {
    EXPECT_THAT(
        [] {
            try {
                parse_config(
                    "[[feed]]\nname = \"x\"\nchannels = \"x:{id}\"\n[feed.webhook]\n"
                    "url = \"https://x/\"\n",
                    "h.toml", "");
            } catch (const ConfigError& error) {
                return std::string(error.what());
            }
            return std::string();
        }(),
        HasSubstr("webhook is one table; webhooks are written [[feed.webhook]]"));
}

TEST(WebhookFiles, HaveNamesThatNoFeedCanLeadAstray) {
    const std::string url = "https://hooks.example.com/";
    EXPECT_EQ(file_name_of("jobs_1.a", url).substr(0, 9), "jobs_1.a-");
    EXPECT_EQ(file_name_of("jobs", url).size(), 13u);
    EXPECT_EQ(file_name_of("../a b", url).substr(0, 13), "%2E.%2Fa%20b-");
    EXPECT_NE(file_name_of("jobs", url), file_name_of("jobs", url + "x"));
}

TEST(WebhookOrigin, IsTheUrlWithoutWhatMayBeSecret) {
    EXPECT_EQ(origin_of("https://user:pass@hooks.example.com:8443/T0/x?token=y"),
              "https://hooks.example.com:8443");
    EXPECT_EQ(origin_of("http://[::1]/x"), "http://[::1]");
}

}  // namespace
}  // namespace herald::sidecar
