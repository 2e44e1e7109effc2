#include "sidecar/cli/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace herald::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string problem(std::string_view url) {
    try {
        parse_endpoint(url);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

TEST(Endpoint, TellsWebSocketFromEvents) {
    EXPECT_FALSE(parse_endpoint("http://h/s").websocket);
    EXPECT_FALSE(parse_endpoint("https://h/s").websocket);
    EXPECT_TRUE(parse_endpoint("ws://h/s").websocket);
    EXPECT_TRUE(parse_endpoint("WSS://h/s").websocket);
}

TEST(Endpoint, SpeaksHttpToAWebSocket) {
    EXPECT_EQ(parse_endpoint("ws://h:8000/s?a=b#c").url, "http://h:8000/s?a=b");
    EXPECT_EQ(parse_endpoint("wss://h/s").url, "https://h/s");
}

TEST(Endpoint, NamesTheHostWithoutTheUsualPort) {
    EXPECT_EQ(parse_endpoint("http://h:80/s").host, "h");
    EXPECT_EQ(parse_endpoint("wss://h:443/s").host, "h");
    EXPECT_EQ(parse_endpoint("ws://h:443/s").host, "h:443");
    EXPECT_EQ(parse_endpoint("http://[::1]:8000/s").host, "[::1]:8000");
}

TEST(Endpoint, AsksForThePathAndTheQuery) {
    EXPECT_EQ(parse_endpoint("ws://h").target, "/");
    EXPECT_EQ(parse_endpoint("ws://h?a=b").target, "/?a=b");
    EXPECT_EQ(parse_endpoint("ws://h/a%20b?c=d&e=f#g").target, "/a%20b?c=d&e=f");
}

TEST(Endpoint, IsShownWithoutItsQuery) {
    EXPECT_EQ(parse_endpoint("wss://h:1/s?token=secret").shown, "wss://h:1/s");
}

TEST(Endpoint, RefusesUsersAndPasswordsWithoutRepeatingThem) {
    for (const char* url : {"http://secret@h/", "ws://u:secret@h/", "https://:secret@h/"}) {
        EXPECT_THAT(problem(url), HasSubstr("--token-file")) << url;
        EXPECT_THAT(problem(url), Not(HasSubstr("secret"))) << url;
    }
}

TEST(Endpoint, RefusesWhatIsNoStreamsUrl) {
    for (const char* url : {"", "h", "/s", "ftp://h/s", "file:///s", "http://", "http://h:99999/",
                            "http://h/a b", "http://h/\r\nX: y", "redis://h"})
        EXPECT_THAT(problem(url), HasSubstr("expected http://, https://, ws:// or wss://")) << url;
}

TEST(ResumedTarget, AddsTheId) {
    EXPECT_EQ(resumed_target("/s", "7f3a2c01-42"), "/s?last_event_id=7f3a2c01-42");
    EXPECT_EQ(resumed_target("/s?a=b&c", "7f3a2c01-42"), "/s?a=b&c&last_event_id=7f3a2c01-42");
}

TEST(ResumedTarget, ReplacesTheIdThatItWasGiven) {
    EXPECT_EQ(resumed_target("/s?last_event_id=1&a=b&last_event_id=2", "3"),
              "/s?a=b&last_event_id=3");
    EXPECT_EQ(resumed_target("/s?my_last_event_id=1", "3"),
              "/s?my_last_event_id=1&last_event_id=3");
}

TEST(ResumedTarget, EncodesWhateverAServerCallsAnId) {
    EXPECT_EQ(resumed_target("/s", "a&b=c d\r\n\xc3\xa9"),
              "/s?last_event_id=a%26b%3Dc%20d%0D%0A%C3%A9");
}

}  // namespace
}  // namespace herald::cli
