// Frames of a WebSocket server and client: RFC 6455, section 5, its own examples first. Each stream
// of bytes is read whole and in pieces of every size.
#include "sidecar/cli/ws_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace herald::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = WsReader::Item::Kind;
using namespace std::string_literals;

struct Seen {
    Kind kind;
    std::string payload{};
    uint16_t code = 0;
    bool operator==(const Seen&) const = default;
};

void PrintTo(const Seen& seen, std::ostream* out) {
    *out << "{kind " << static_cast<int>(seen.kind) << ", " << seen.payload << ", " << seen.code
         << "}";
}

std::vector<Seen> read_in_pieces(std::string_view bytes, size_t piece, size_t max_message) {
    WsReader reader(max_message);
    std::vector<Seen> all;
    for (size_t at = 0; at < bytes.size(); at += piece) {
        reader.feed(bytes.substr(at, piece));
        for (auto item = reader.next(); item.kind != Kind::NeedMore; item = reader.next())
            all.push_back({item.kind, std::string(item.payload), item.code});
    }
    return all;
}

std::vector<Seen> read(std::string_view bytes, size_t max_message = WsReader::kMaxMessage) {
    std::vector<Seen> whole = read_in_pieces(bytes, bytes.size(), max_message);
    const size_t step = bytes.size() > 1000 ? 997 : 1;
    for (size_t piece = 1; piece < bytes.size(); piece += step)
        EXPECT_EQ(read_in_pieces(bytes, piece, max_message), whole) << "in pieces of " << piece;
    return whole;
}

void expect_error(const std::string& bytes, uint16_t code, const char* what) {
    const std::vector<Seen> seen = read(bytes + "\x81\x01x");
    ASSERT_THAT(seen, ::testing::SizeIs(1)) << what;
    EXPECT_EQ(seen[0].kind, Kind::Error) << what;
    EXPECT_EQ(seen[0].code, code) << what;
    EXPECT_FALSE(seen[0].payload.empty()) << what;
}

TEST(WsReader, ReadsASingleTextFrame) {
    EXPECT_THAT(read("\x81\x05Hello"), ElementsAre(Seen{Kind::Message, "Hello"}));
}

TEST(WsReader, JoinsFragments) {
    EXPECT_THAT(read("\x01\x03Hel\x80\x02lo"), ElementsAre(Seen{Kind::Message, "Hello"}));
}

TEST(WsReader, ReadsControlFramesBetweenFragments) {
    EXPECT_THAT(
        read("\x01\x03Hel\x89\x05Hello\x8a\0\x80\x02lo"s),
        ElementsAre(Seen{Kind::Ping, "Hello"}, Seen{Kind::Pong, ""}, Seen{Kind::Message, "Hello"}));
}

TEST(WsReader, ReadsAllThreeLengths) {
    const std::string middle(256, 'm');
    const std::string large(65536, 'l');
    EXPECT_THAT(
        read("\x82\x7e\x01\0"s + middle + "\x82\x7f\0\0\0\0\0\x01\0\0"s + large + "\x82\0"s),
        ElementsAre(Seen{Kind::Message, middle}, Seen{Kind::Message, large},
                    Seen{Kind::Message, ""}));
}

TEST(WsReader, ReadsEmptyFragments) {
    EXPECT_THAT(read("\x01\0\0\0\0\x01x\x80\0"s), ElementsAre(Seen{Kind::Message, "x"}));
}

TEST(WsReader, StepsOverAMessageThatIsTooLong) {
    EXPECT_THAT(read("\x81\x05Hello\x01\x03Hel\x80\x02lo\x81\x04Hell", 4),
                ElementsAre(Seen{Kind::TooLong}, Seen{Kind::TooLong}, Seen{Kind::Message, "Hell"}));
}

TEST(WsReader, TakesTextThatIsCutInsideOfACharacter) {
    EXPECT_THAT(read("\x01\x01\xc3\x80\x01\xa9"), ElementsAre(Seen{Kind::Message, "\xc3\xa9"}));
}

TEST(WsReader, RefusesTextThatIsNotUtf8ButNotSuchBytes) {
    expect_error("\x81\x01\xff", 1007, "text");
    expect_error("\x81\x01\xc3", 1007, "text that ends inside of a character");
    EXPECT_THAT(read("\x82\x01\xff"), ElementsAre(Seen{Kind::Message, "\xff"}));
}

TEST(WsReader, EndsWithAClose) {
    EXPECT_THAT(read("\x88\x05\x03\xf4"
                     "bye\x81\x01x"),
                ElementsAre(Seen{Kind::Close, "bye", 1012}));
    EXPECT_THAT(read("\x88\0\x81\x01x"s), ElementsAre(Seen{Kind::Close, "", 1005}));
}

TEST(WsReader, RefusesWhatBreaksTheProtocol) {
    expect_error("\xc1\x01x", 1002, "a reserved bit");
    expect_error("\x83\x01x", 1002, "an unknown data opcode");
    expect_error("\x8b\x01x", 1002, "an unknown control opcode");
    expect_error(
        "\x81\x81"
        "abcdx",
        1002, "a mask");
    expect_error("\x80\x01x", 1002, "a continuation of nothing");
    expect_error("\x01\x01x\x81\x01x", 1002, "a message inside of another");
    expect_error("\x09\x01x", 1002, "a ping in fragments");
    expect_error("\x89\x7e", 1002, "a long ping");
    expect_error("\x81\x7e\0\x7d"s, 1002, "two bytes for 125");
    expect_error("\x81\x7f\0\0\0\0\0\0\xff\xff"s, 1002, "eight bytes for 65535");
    expect_error("\x81\x7f\x80\0\0\0\0\0\0\0"s, 1002, "2^63");
    expect_error("\x88\x01x", 1002, "a close with half a code");
    expect_error("\x88\x02\x03\xed", 1002, "a close with 1005");
    expect_error("\x88\x03\x03\xe8\xff", 1007, "a close whose reason is not UTF-8");
}

TEST(WsReader, SaysNothingOfWhatIsNotWhole) {
    EXPECT_THAT(read("\x81\x05Hell"), IsEmpty());
}

TEST(ClientFrame, IsMaskedAsInTheStandardsExample) {
    EXPECT_EQ(encode_client_frame(WsOpcode::Text, "Hello", 0x37fa213d),
              "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(ClientFrame, HasItsLengthInTheShortestForm) {
    EXPECT_EQ(encode_client_frame(WsOpcode::Binary, std::string(125, '\0'), 0).substr(0, 2),
              "\x82\xfd");
    EXPECT_EQ(encode_client_frame(WsOpcode::Binary, std::string(126, '\0'), 0).substr(0, 4),
              "\x82\xfe\0\x7e"s);
    EXPECT_EQ(encode_client_frame(WsOpcode::Binary, std::string(65536, '\0'), 0).substr(0, 10),
              "\x82\xff\0\0\0\0\0\x01\0\0"s);
}

TEST(ClientFrame, ClosesWithACode) {
    EXPECT_EQ(encode_client_frame(WsOpcode::Close, close_payload(1000), 0),
              "\x88\x82\0\0\0\0\x03\xe8"s);
}

}  // namespace
}  // namespace herald::cli
