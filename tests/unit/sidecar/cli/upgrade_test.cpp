// A WebSocket client's handshake: RFC 6455, section 4.1, with the key of its own example.
#include "sidecar/cli/upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string kGood =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

UpgradeResponse response(const std::string& head) {
    return read_upgrade_response(head + "\r\n", kKey);
}

std::string without(std::string_view line) {
    std::string head = kGood;
    const size_t at = head.find(line);
    return head.erase(at, head.find("\r\n", at) + 2 - at);
}

TEST(Upgrade, AcceptsTheStandardsExample) {
    EXPECT_EQ(accept_for(kKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(response(kGood).status, 101);
    EXPECT_EQ(response(kGood).problem, "");
    EXPECT_FALSE(response(kGood).has_subprotocol);
}

TEST(Upgrade, KnowsWhetherFramesHaveEnvelopes) {
    EXPECT_TRUE(response(kGood + "Sec-WebSocket-Protocol: herald.v1\r\n").has_subprotocol);
    EXPECT_NE(response(kGood + "Sec-WebSocket-Protocol: chat\r\n").problem, "");
}

TEST(Upgrade, TakesNamesAndTokensInAnyCaseAndInLists) {
    EXPECT_EQ(response("HTTP/1.1 101 x\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, upgrade\r\n"
                       "sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
                  .problem,
              "");
}

TEST(Upgrade, RefusesAnAnswerThatIsNone) {
    EXPECT_NE(response(without("Upgrade:")).problem, "");
    EXPECT_NE(response(without("Connection:")).problem, "");
    EXPECT_NE(response(without("Sec-WebSocket-Accept:")).problem, "");
    EXPECT_NE(read_upgrade_response(kGood + "\r\n", "AAAAAAAAAAAAAAAAAAAAAA==").problem, "");
    EXPECT_NE(response(kGood + "Sec-WebSocket-Extensions: permessage-deflate\r\n").problem, "");
}

TEST(Upgrade, ReadsTheStatusOfARefusal) {
    const UpgradeResponse refusal =
        response("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 12\r\n");
    EXPECT_EQ(refusal.status, 503);
    EXPECT_EQ(refusal.retry_after_s, 7u);
    EXPECT_EQ(refusal.body_size, 12u);
    EXPECT_EQ(response("HTTP/1.1 401\r\n").status, 401);
    EXPECT_EQ(
        response("HTTP/1.1 503 x\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n").retry_after_s,
        0u);
}

TEST(Upgrade, KnowsWhatIsNoHttp) {
    for (const char* head : {"", "SSH-2.0-x\r\n", "HTTP/2 101\r\n", "HTTP/1.1 1x1 y\r\n",
                             "HTTP/1.1 1010 x\r\n", "HTTP/1.1 099 x\r\n"})
        EXPECT_EQ(response(head).status, 0) << head;
}

TEST(Upgrade, AsksForEverythingThatTheStandardWants) {
    const Endpoint endpoint = parse_endpoint("ws://[::1]:8000/jobs/ws?a=b");
    const std::string key = upgrade_key({});
    EXPECT_EQ(key, "AAAAAAAAAAAAAAAAAAAAAA==");
    const std::string head = upgrade_request(endpoint, endpoint.target, key, "token");
    EXPECT_THAT(head, ::testing::StartsWith("GET /jobs/ws?a=b HTTP/1.1\r\nHost: [::1]:8000\r\n"));
    for (const char* line :
         {"\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n",
          "\r\nSec-WebSocket-Version: 13\r\n",
          "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
          "\r\nSec-WebSocket-Protocol: herald.v1\r\n", "\r\nAuthorization: Bearer token\r\n"})
        EXPECT_THAT(head, HasSubstr(line));
    EXPECT_THAT(head, ::testing::EndsWith("\r\n\r\n"));
    EXPECT_THAT(upgrade_request(endpoint, "/", key, ""), Not(HasSubstr("Authorization")));
}

}  // namespace
}  // namespace herald::cli
