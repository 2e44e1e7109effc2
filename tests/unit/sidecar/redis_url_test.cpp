// Redis URLs: what is understood, what is refused, and that no refusal tells the password.
#include "sidecar/redis_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace herald::sidecar {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(std::string_view url) {
    try {
        parse_redis_url(url);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

TEST(RedisUrl, FillsInPortAndDatabase) {
    const RedisUrl url = parse_redis_url("redis://cache");
    EXPECT_EQ(url.host, "cache");
    EXPECT_EQ(url.port, 6379);
    EXPECT_EQ(url.db, 0u);
    EXPECT_EQ(url.user, "");
    EXPECT_EQ(url.password, "");
    EXPECT_EQ(url.address(), "cache:6379");
}

TEST(RedisUrl, TakesEveryPart) {
    const RedisUrl url = parse_redis_url("redis://me:se%40cret%2f%25@10.0.0.1:7000/12");
    EXPECT_EQ(url.user, "me");
    EXPECT_EQ(url.password, "se@cret/%");
    EXPECT_EQ(url.host, "10.0.0.1");
    EXPECT_EQ(url.port, 7000);
    EXPECT_EQ(url.db, 12u);
}

TEST(RedisUrl, TakesAPasswordWithoutAUser) {
    const RedisUrl url = parse_redis_url("redis://:pa:ss@h/");
    EXPECT_EQ(url.user, "");
    EXPECT_EQ(url.password, "pa:ss");
    EXPECT_EQ(url.db, 0u);
}

TEST(RedisUrl, TakesAnIpv6AddressInBrackets) {
    const RedisUrl url = parse_redis_url("redis://u:p@[::1]:6380/1");
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.port, 6380);
    EXPECT_EQ(url.address(), "[::1]:6380");
    EXPECT_EQ(parse_redis_url("redis://[fe80::1]").port, 6379);
}

TEST(RedisUrl, TakesAUnixSocket) {
    const RedisUrl url = parse_redis_url("unix:///run/redis.sock?db=3");
    EXPECT_EQ(url.path, "/run/redis.sock");
    EXPECT_EQ(url.db, 3u);
    EXPECT_EQ(url.address(), "unix:/run/redis.sock");
    EXPECT_EQ(parse_redis_url("unix:///run/redis.sock").db, 0u);
}

TEST(RedisUrl, SaysThatTlsIsNotSupported) {
    EXPECT_THAT(refusal("rediss://h"), HasSubstr("TLS, which is not supported"));
}

TEST(RedisUrl, RefusesWhatItDoesNotUnderstand) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "no scheme"},
        {"localhost:6379", "no scheme"},
        {"http://h", "no scheme"},
        {"redis://", "no host"},
        {"redis://:p@", "no host"},
        {"redis://h:", "port"},
        {"redis://h:0", "port"},
        {"redis://h:65536", "port"},
        {"redis://h:6379x", "port"},
        {"redis://h:-1", "port"},
        {"redis://h/x", "database"},
        {"redis://h/1/2", "database"},
        {"redis://h/-1", "database"},
        {"redis://h?db=1", "host"},
        {"redis://h h", "host"},
        {"redis://::1", "brackets"},
        {"redis://[::1", "`]`"},
        {"redis://[::1]x", "between"},
        {"redis://user@h", "without a password"},
        {"redis://user:@h", "without a password"},
        {"redis://:%4@h", "%25"},
        {"redis://:%zz@h", "%25"},
        {"unix://run/redis.sock", "absolute"},
        {"unix:///s?x=1", "db=N"},
        {"unix:///s?db=x", "database"},
    };
    for (const auto& [url, expected] : cases)
        EXPECT_THAT(refusal(url), HasSubstr(expected)) << url;
    EXPECT_THAT(refusal("unix:///" + std::string(200, 'x')), HasSubstr("107 bytes"));
}

TEST(RedisUrl, NeverTellsThePassword) {
    for (const char* url :
         {"rediss://u:hush@h", "redis://u:hush@h:x", "redis://u:hush%zz@h", "redis://u:hush@",
          "redis://u:hush@h/x", "http://u:hush@h", "redis://u:hush@[::1"})
        EXPECT_THAT(refusal(url), Not(HasSubstr("hush"))) << url;
    EXPECT_EQ(parse_redis_url("redis://u:hush@h").address(), "h:6379");
}

}  // namespace
}  // namespace herald::sidecar
