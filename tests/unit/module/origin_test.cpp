// Which origins can be listed, and which are a request's own.
#include "origin.hpp"

#include <gtest/gtest.h>

namespace herald {
namespace {

TEST(Origin, IsSchemeHostAndPort) {
    for (const char* origin :
         {"https://example.com", "http://localhost:3000", "https://a-b.c_d.example",
          "http://127.0.0.1", "http://[::1]:8080", "https://[2001:db8::1]", "capacitor://localhost",
          "chrome-extension://abcdefgh", "https://h:80", "http://h:443", "http://h:65535"})
        EXPECT_EQ(origin_problem(origin), "") << origin;
}

TEST(Origin, HasNothingMore) {
    for (const char* origin : {"",
                               "example.com",
                               "https:",
                               "https://",
                               "https:/h",
                               "://h",
                               "1http://h",
                               "ht tp://h",
                               "https://h/",
                               "https://h/x",
                               "https://h?x",
                               "https://h#x",
                               "https://u@h",
                               "https://*.h",
                               "https://h:",
                               "https://h:0",
                               "https://h:01",
                               "https://h:65536",
                               "https://h:x",
                               "https://h:123456",
                               "https://[::1",
                               "https://[]",
                               "https://[x]",
                               "https://::1",
                               "https://h h",
                               "https://\xc3\xa9",
                               "https://h,https://i",
                               "null",
                               "*"})
        EXPECT_NE(origin_problem(origin), "") << origin;
}

TEST(Origin, LeavesOutItsSchemesOwnPort) {
    EXPECT_NE(origin_problem("https://h:443"), "");
    EXPECT_NE(origin_problem("http://h:80"), "");
}

TEST(Origin, IsTheRequestsOwnWithTheSameHostAndPort) {
    EXPECT_TRUE(is_own_origin("https://h", "h", true));
    EXPECT_TRUE(is_own_origin("https://h", "h:443", true));
    EXPECT_TRUE(is_own_origin("https://h:8443", "h:8443", true));
    EXPECT_TRUE(is_own_origin("http://h", "h:80", false));
    EXPECT_TRUE(is_own_origin("http://h", "H", false));
    EXPECT_TRUE(is_own_origin("http://[::1]:81", "[::1]:81", false));
    EXPECT_TRUE(is_own_origin("http://[::1]", "[::1]", false));
}

TEST(Origin, IsNotTheRequestsOwnOtherwise) {
    EXPECT_FALSE(is_own_origin("https://h", "i", true));
    EXPECT_FALSE(is_own_origin("https://h", "sub.h", true));
    EXPECT_FALSE(is_own_origin("https://h", "h.evil", true));
    EXPECT_FALSE(is_own_origin("https://h", "h:8443", true));
    EXPECT_FALSE(is_own_origin("https://h:8443", "h", true));
    EXPECT_FALSE(is_own_origin("http://h", "h:443", false));
    EXPECT_FALSE(is_own_origin("http://[::1]", "[::2]", false));
    EXPECT_FALSE(is_own_origin("null", "null", false));
    EXPECT_FALSE(is_own_origin("https://", "", false));
    EXPECT_FALSE(is_own_origin("", "h", false));
}

TEST(Origin, IsAnotherWithoutTlsThanWithIt) {
    EXPECT_FALSE(is_own_origin("http://h", "h", true));
}

TEST(Origin, MayHaveHadItsTlsEndedInFrontOfUs) {
    EXPECT_TRUE(is_own_origin("https://h", "h", false));
}

}  // namespace
}  // namespace herald
