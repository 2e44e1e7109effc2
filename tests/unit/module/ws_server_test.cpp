// What the server writes: frames without mask, and its half of judging a handshake.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ws_reading.hpp"

namespace herald {
namespace {

// --- Frames of the server ---

TEST(WsHeader, UsesTheShortestLength) {
    char out[kWsMaxHeader];
    auto header = [&out](uint64_t length) {
        const size_t size = ws_header(out, kWsText, length);
        return std::string(out, size);
    };
    EXPECT_EQ(header(125), bytes_of({0x81, 125}));
    EXPECT_EQ(header(126), bytes_of({0x81, 126, 0, 126}));
    EXPECT_EQ(header(65535), bytes_of({0x81, 126, 255, 255}));
    EXPECT_EQ(header(65536), bytes_of({0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
    EXPECT_EQ(header(0x0102030405060708), bytes_of({0x81, 127, 1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(WsClose, CarriesCodeAndReason) {
    std::string out;
    append_ws_close(out, 1001, "away");
    EXPECT_EQ(out, bytes_of({0x88, 6, 0x03, 0xe9}) + "away");
}

TEST(WsClose, CanBeEmpty) {
    std::string out;
    append_ws_close(out, 0, "unsaid");
    EXPECT_EQ(out, bytes_of({0x88, 0}));
}

TEST(WsClose, CutsTheReasonAtTheEndOfACharacter) {
    std::string out;
    append_ws_close(out, 1001, std::string(122, 'x') + "\xe2\x82\xac");
    EXPECT_EQ(out, bytes_of({0x88, 124, 0x03, 0xe9}) + std::string(122, 'x'));

    out.clear();
    append_ws_close(out, 1001, std::string(120, 'x') + "\xe2\x82\xac" + "y");
    EXPECT_EQ(out, bytes_of({0x88, 125, 0x03, 0xe9}) + std::string(120, 'x') + "\xe2\x82\xac");
}

TEST(WsPong, EchoesAPayload) {
    std::string out;
    append_ws_pong(out, "p");
    EXPECT_EQ(out, bytes_of({0x8a, 1}) + "p");
}

// --- The handshake ---

TEST(WsHandshake, FindsATokenInAListInAnyCase) {
    EXPECT_TRUE(has_token("Upgrade", "upgrade"));
    EXPECT_TRUE(has_token("keep-alive, \tUPGRADE ,", "upgrade"));
    EXPECT_FALSE(has_token("upgraded", "upgrade"));
    EXPECT_FALSE(has_token("up grade", "upgrade"));
    EXPECT_FALSE(has_token("", "upgrade"));
    EXPECT_FALSE(has_token(" , ,", "upgrade"));
}

TEST(WsHandshake, FindsASubprotocolInItsCaseAlone) {
    EXPECT_TRUE(offers("chat, herald.v1", "herald.v1"));
    EXPECT_FALSE(offers("chat, Herald.v1", "herald.v1"));
    EXPECT_FALSE(offers("herald.v10", "herald.v1"));
}

TEST(WsHandshake, AcceptsTheKeyOfTheRfc) {
    EXPECT_TRUE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
}

TEST(WsHandshake, RejectsKeysThatAreNotSixteenBytes) {
    for (std::string_view key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
                                 "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBsZSBub25jZQ==A"})
        EXPECT_FALSE(is_websocket_key(key)) << key;
}

TEST(WsHandshake, RejectsKeysThatAreNotStrictBase64) {
    for (std::string_view key :
         {"dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZY==", "dGhlIHNhbXBsZSBub25j*Q==",
          "dGhlIHNhbXBsZSBub25j=Q==", "dGhlIHNhbXBsZSBub25jZ-=="})
        EXPECT_FALSE(is_websocket_key(key)) << key;
}

}  // namespace
}  // namespace herald
