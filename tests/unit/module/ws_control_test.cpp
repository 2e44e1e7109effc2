// Pings, pongs and the end of a conversation, against RFC 6455, section 5.5.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ws_reading.hpp"

namespace herald {
namespace {

// --- Control frames ---

TEST(WsParser, ReportsControlFramesBetweenFragments) {
    EXPECT_EQ(read({{kWsText, "a", false},
                    {kWsPing, "p"},
                    {kWsContinuation, "b", false},
                    {kWsPong, ""},
                    {kWsContinuation, "c"}}),
              "ping(p)pong()text(3)");
}

TEST(WsParser, AcceptsAPingOf125Bytes) {
    const std::string payload(125, 'p');
    EXPECT_EQ(read({{kWsPing, payload}}), "ping(" + payload + ")");
}

TEST(WsParser, ControlFramesDoNotCountAgainstTheMessage) {
    EXPECT_EQ(read({{kWsText, "12", false}, {kWsPing, "12345"}, {kWsContinuation, "34"}}, 4),
              "ping(12345)text(4)");
}

TEST(WsParser, RejectsAControlFrameOf126Bytes) {
    EXPECT_EQ(read(frame(0x89, std::string(126, 'p'))), "error(1002)");
}

TEST(WsParser, RejectsAFragmentedControlFrame) {
    EXPECT_EQ(read({{kWsPing, "p", false}}), "error(1002)");
    EXPECT_EQ(read({{kWsClose, "", false}}), "error(1002)");
}

// --- Close ---

TEST(WsParser, ReportsACloseWithoutCode) {
    EXPECT_EQ(read({{kWsClose, ""}}), "close(0 )");
}

TEST(WsParser, ReportsCodeAndReasonOfAClose) {
    EXPECT_EQ(read(close_frame(1000, "bye")), "close(1000 bye)");
    EXPECT_EQ(read(close_frame(4999, std::string(123, 'r'))),
              "close(4999 " + std::string(123, 'r') + ")");
}

TEST(WsParser, RejectsACloseOfOneByte) {
    EXPECT_EQ(read({{kWsClose, "\x03"}}), "error(1002)");
}

TEST(WsParser, AcceptsTheCloseCodesThatMayTravel) {
    for (unsigned code = 0; code < 65536; ++code) {
        const bool allowed = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                             (code >= 3000 && code <= 4999);
        const std::string expected =
            allowed ? "close(" + std::to_string(code) + " )" : "error(1002)";
        if (read_in_pieces(close_frame(code), 1, kMax) != expected)
            FAIL() << code;
    }
}

TEST(WsParser, RejectsACloseReasonThatIsNotUtf8) {
    EXPECT_EQ(read(close_frame(1000, "\xff")), "error(1007)");
    EXPECT_EQ(read(close_frame(1000, "\xe2\x82")), "error(1007)");
}

TEST(WsParser, ReadsNothingBehindAClose) {
    EXPECT_EQ(read({{kWsClose, ""}, {kWsPing, "x"}, {7, "x"}}), "close(0 )");
}

TEST(WsParser, ReadsNothingBehindAnError) {
    EXPECT_EQ(read({{kWsContinuation, ""}, {kWsPing, "x"}, {7, "x"}}), "error(1002)");
}

TEST(WsParser, SaysWhyItRefuses) {
    std::string bytes = frame({kWsContinuation, "x"});
    WsParser parser(kMax);
    size_t used = 0;
    WsParser::Event event;
    ASSERT_EQ(parser.consume(bytes.data(), bytes.size(), used, event), Result::Error);
    EXPECT_EQ(event.payload, "continuation of nothing");
}

}  // namespace
}  // namespace herald
