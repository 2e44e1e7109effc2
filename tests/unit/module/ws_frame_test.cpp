// Frames and messages of a client against RFC 6455: the RFC's examples, headers, lengths,
// fragments, text. Control frames are in ws_control_test.cpp.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ws_reading.hpp"

namespace herald {
namespace {

// --- RFC 6455, section 5.7 ---

TEST(WsRfcExamples, ASingleFrameMaskedTextMessage) {
    EXPECT_EQ(read(bytes_of({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})),
              "text(5)");
}

TEST(WsRfcExamples, ASingleFrameUnmaskedTextMessageIsWhatAServerSends) {
    std::string out;
    append_ws_text(out, "Hello");
    EXPECT_EQ(out, bytes_of({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}));
    EXPECT_EQ(read(out), "error(1002)");
}

TEST(WsRfcExamples, AFragmentedMessage) {
    EXPECT_EQ(read({{kWsText, "Hel", false}, {kWsContinuation, "lo"}}), "text(5)");
}

TEST(WsRfcExamples, APingAndItsMaskedPong) {
    std::string out;
    append_ws_ping(out, "Hello");
    EXPECT_EQ(out, bytes_of({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}));
    EXPECT_EQ(read(bytes_of({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})),
              "pong(Hello)");
}

TEST(WsRfcExamples, A256ByteBinaryMessage) {
    EXPECT_EQ(read(bytes_of({0x82, 0xfe, 0x01, 0x00}) + masked(std::string(256, '\xee'))),
              "binary(256)");
}

TEST(WsRfcExamples, A64KiBBinaryMessage) {
    EXPECT_EQ(
        read(bytes_of({0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0}) + masked(std::string(65536, '\xee'))),
        "binary(65536)");
}

// --- Data ---

TEST(WsParser, UnmasksInPlace) {
    std::string bytes = frame({kWsText, "the whole of a longer text"});
    WsParser parser(kMax);
    size_t used = 0;
    WsParser::Event event;
    ASSERT_EQ(parser.consume(bytes.data(), bytes.size(), used, event), Result::Message);
    EXPECT_EQ(bytes.substr(6), "the whole of a longer text");
}

TEST(WsParser, StopsBehindEachEvent) {
    const std::string one = frame({kWsPing, "1"});
    std::string bytes = one + one;
    WsParser parser(kMax);
    size_t used = 0;
    WsParser::Event event;
    ASSERT_EQ(parser.consume(bytes.data(), bytes.size(), used, event), Result::Ping);
    EXPECT_EQ(used, one.size());
}

TEST(WsParser, NeedsMoreOfNothing) {
    WsParser parser(kMax);
    size_t used = 1;
    WsParser::Event event;
    EXPECT_EQ(parser.consume(nullptr, 0, used, event), Result::NeedMore);
    EXPECT_EQ(used, 0u);
}

TEST(WsParser, AcceptsEmptyMessages) {
    EXPECT_EQ(read({{kWsText, ""}, {kWsBinary, ""}}), "text(0)binary(0)");
}

TEST(WsParser, AcceptsEmptyFragments) {
    EXPECT_EQ(read({{kWsText, "", false},
                    {kWsContinuation, "", false},
                    {kWsContinuation, "a", false},
                    {kWsContinuation, ""}}),
              "text(1)");
}

TEST(WsParser, AcceptsAHundredThousandFragmentsOfOneByte) {
    std::string bytes = frame({kWsText, "x", false});
    for (int i = 0; i < 100'000; ++i)
        bytes += frame({kWsContinuation, "x", false});
    bytes += frame({kWsContinuation, ""});
    EXPECT_EQ(read(bytes), "text(100001)");
}

TEST(WsParser, CountsEveryMessageAnew) {
    EXPECT_EQ(read({{kWsText, "12345678", false},
                    {kWsContinuation, "12345678"},
                    {kWsBinary, "1234567812345678"},
                    {kWsText, "1"}},
                   16),
              "text(16)binary(16)text(1)");
}

// --- Headers ---

TEST(WsParser, RejectsAFrameWithoutMask) {
    EXPECT_EQ(read(bytes_of({0x81, 0x00})), "error(1002)");
    EXPECT_EQ(read(bytes_of({0x89, 0x00})), "error(1002)");
}

TEST(WsParser, RejectsEveryReservedBit) {
    for (unsigned bit : {0x40u, 0x20u, 0x10u})
        EXPECT_EQ(read(frame(0x81 | bit, "x")), "error(1002)") << bit;
}

TEST(WsParser, RejectsReservedOpcodes) {
    for (unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u})
        EXPECT_EQ(read({{opcode, "x"}}), "error(1002)") << opcode;
}

TEST(WsParser, RejectsAContinuationOfNothing) {
    EXPECT_EQ(read({{kWsContinuation, "x"}}), "error(1002)");
    EXPECT_EQ(read({{kWsText, "x"}, {kWsContinuation, "x"}}), "text(1)error(1002)");
}

TEST(WsParser, RejectsANewMessageInsideAFragmentedOne) {
    EXPECT_EQ(read({{kWsText, "x", false}, {kWsText, "x"}}), "error(1002)");
    EXPECT_EQ(read({{kWsText, "x", false}, {kWsBinary, "x"}}), "error(1002)");
}

TEST(WsParser, RejectsALengthThatIsNotMinimal) {
    EXPECT_EQ(read(bytes_of({0x81, 0xfe, 0x00, 0x7d})), "error(1002)");
    EXPECT_EQ(read(bytes_of({0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff})), "error(1002)");
}

TEST(WsParser, AcceptsTheSmallestLengthOfEachForm) {
    EXPECT_EQ(read(frame(0x82, std::string(126, 'x'))), "binary(126)");
    EXPECT_EQ(read(frame(0x82, std::string(65536, 'x'))), "binary(65536)");
}

TEST(WsParser, RejectsA64BitLengthWithItsTopBit) {
    EXPECT_EQ(read(bytes_of({0x82, 0xff, 0x80})), "error(1002)");
}

// --- The bound ---

TEST(WsParser, AcceptsAMessageOfExactlyTheMaximum) {
    EXPECT_EQ(read({{kWsText, "12345678"}}, 8), "text(8)");
}

TEST(WsParser, RejectsAMessageOverTheMaximumAtItsHeader) {
    EXPECT_EQ(read(bytes_of({0x81, 0x89}), 8), "error(1009)");
    EXPECT_EQ(read(bytes_of({0x82, 0xfe, 0x01, 0x00}), 8), "error(1009)");
    EXPECT_EQ(read(bytes_of({0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255}), 8),
              "error(1009)");
}

TEST(WsParser, BoundsTheSumOfTheFragments) {
    EXPECT_EQ(read(frames({{kWsText, "12345", false}}) + bytes_of({0x80, 0x84}), 8), "error(1009)");
}

TEST(WsParser, DoesNotOverflowTheSumOfTheFragments) {
    EXPECT_EQ(read(frames({{kWsText, "12345", false}}) +
                       bytes_of({0x80, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255}),
                   SIZE_MAX >> 1),
              "error(1009)");
}

// --- Text ---

TEST(WsParser, AcceptsACharacterCutByFragments) {
    EXPECT_EQ(read({{kWsText, "\xf0\x9f", false},
                    {kWsPing, "\xff"},
                    {kWsContinuation, "\x98", false},
                    {kWsContinuation, "\x80"}}),
              "ping(\xff)text(4)");
}

TEST(WsParser, RejectsTextThatIsNotUtf8) {
    EXPECT_EQ(read({{kWsText, "a\xc0\xaf"}}), "error(1007)");
}

TEST(WsParser, RejectsBadTextBeforeItsFrameEnds) {
    EXPECT_EQ(read(head(0x81, 1000) + masked("\xff")), "error(1007)");
}

TEST(WsParser, RejectsTextThatEndsInsideACharacter) {
    EXPECT_EQ(read({{kWsText, "\xe2\x82"}}), "error(1007)");
    EXPECT_EQ(read({{kWsText, "\xe2\x82", false}, {kWsContinuation, ""}}), "error(1007)");
}

TEST(WsParser, TakesAnyBytesAsBinary) {
    EXPECT_EQ(read({{kWsBinary, "\xff\xfe", false}, {kWsContinuation, "\xc0"}}), "binary(3)");
}

}  // namespace
}  // namespace herald
