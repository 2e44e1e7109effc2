// The signature: the worked example of docs/formats.md, and what keys and headers may be.
#include "sidecar/webhooks/signature.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace herald::sidecar {
namespace {

constexpr const char* kSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

TEST(WebhookSignature, IsThatOfStandardWebhooksOwnExample) {
    EXPECT_EQ(sign_webhook({webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")},
                           "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"),
              "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, IsWhatTheFormatsSay) {
    std::ifstream file(HERALD_FORMATS_MD);
    const std::string formats((std::istreambuf_iterator<char>(file)), {});
    const std::string body = R"({"type":"done","ok":true})";
    const std::string signature =
        sign_webhook({webhook_key(kSecret)}, "7f3a2c01-42", 1763719200, body);
    for (const std::string& line :
         {std::string("secret: ") + kSecret, std::string("webhook-id: 7f3a2c01-42"),
          std::string("webhook-timestamp: 1763719200"), "webhook-signature: " + signature,
          "\n    " + body + "\n", "7f3a2c01-42.1763719200." + body})
        EXPECT_NE(formats.find(line), std::string::npos)
            << "docs/formats.md does not have " << line;
}

TEST(WebhookSignature, IsOneForEachKey) {
    const std::string one = sign_webhook({"a"}, "id", 1, "body");
    const std::string other = sign_webhook({"b"}, "id", 1, "body");
    EXPECT_NE(one, other);
    EXPECT_EQ(sign_webhook({"a", "b"}, "id", 1, "body"), one + " " + other);
}

TEST(WebhookSignature, CoversIdTimeAndBody) {
    const std::string signature = sign_webhook({"a"}, "id", 1, "body");
    EXPECT_NE(sign_webhook({"a"}, "ie", 1, "body"), signature);
    EXPECT_NE(sign_webhook({"a"}, "id", 2, "body"), signature);
    EXPECT_NE(sign_webhook({"a"}, "id", 1, "bodz"), signature);
}

TEST(WebhookKey, IsTheSecretsOwnBytesOrItsBase64) {
    EXPECT_EQ(webhook_key("plain text"), "plain text");
    EXPECT_EQ(webhook_key("whsec_AQID"), "\x01\x02\x03");
    EXPECT_EQ(webhook_key("whsec_AQI="), "\x01\x02");
    EXPECT_EQ(webhook_key("whsec_AQ=="), "\x01");
    EXPECT_EQ(webhook_key("whsec_"), "");
    EXPECT_EQ(webhook_key("whsec_AQI"), "");
    EXPECT_EQ(webhook_key("whsec_A*ID"), "");
}

TEST(HeaderSafe, LeavesVisibleAsciiAndEncodesTheRest) {
    EXPECT_EQ(header_safe("orders:{7}/a?b"), "orders:{7}/a?b");
    EXPECT_EQ(header_safe("a b%\xc3\xbc\r\n"), "a%20b%25%C3%BC%0D%0A");
}

}  // namespace
}  // namespace herald::sidecar
