// Frames of the subprotocol herald.v1, as docs/formats.md has them.
#include "sidecar/cli/envelope.hpp"

#include <gtest/gtest.h>

namespace herald::cli {
namespace {

TEST(EnvelopeReader, ReadsTheExampleOfTheFormat) {
    EnvelopeReader reader;
    Received received;
    ASSERT_TRUE(reader.read(
        R"({"id":"7f3a2c01-42","event":"progress","channel":"jobs:1","data":{"done":5}})",
        received));
    EXPECT_EQ(received.id, "7f3a2c01-42");
    EXPECT_EQ(received.event, "progress");
    EXPECT_EQ(received.data, R"({"done":5})");
}

TEST(EnvelopeReader, GivesTheDataByteForByte) {
    for (const char* data : {R"({"a": [1, 2] , "b":"\u00e9"})", R"("a \"text\"")", R"("")", "[ ]",
                             "-1.50e+3", "null", "true", "\"\xc3\xa9\""}) {
        EnvelopeReader reader;
        Received received;
        const std::string text =
            std::string(R"({"id":null,"event":null,"channel":null,"data":)") + data + "}";
        ASSERT_TRUE(reader.read(text, received)) << text;
        EXPECT_EQ(received.data, data);
        EXPECT_EQ(received.id, "");
        EXPECT_EQ(received.event, "");
    }
}

TEST(EnvelopeReader, UndoesEscapesInNamesAndLetsFurtherMembersBe) {
    EnvelopeReader reader;
    Received received;
    ASSERT_TRUE(reader.read(R"({"v":2,"id":null,"event":"a\"\\b","channel":"c","data":1,"x":{}})",
                            received));
    EXPECT_EQ(received.event, R"(a"\b)");
}

TEST(EnvelopeReader, RefusesWhatIsNone) {
    EnvelopeReader reader;
    Received received;
    for (const char* text :
         {"", "{}", "[]", R"({"id":null,"event":null})", R"({"id":1,"event":null,"data":1})",
          R"({"event":null,"data":1})", R"({"id":null,"event":["a"],"data":1})", "not JSON"})
        EXPECT_FALSE(reader.read(text, received)) << text;
}

TEST(Envelope, IsReadAsItWasWritten) {
    std::string text;
    append_envelope(text, {.data = R"({"a":1})", .event = "a\"\\\x01", .id = "7-1"}, true);
    EXPECT_EQ(text, R"({"id":"7-1","event":"a\"\\\u0001","data":{"a":1}})");
    EnvelopeReader reader;
    Received received;
    ASSERT_TRUE(reader.read(text, received));
    EXPECT_EQ(received.event, "a\"\\\x01");
    text.clear();
    append_envelope(text, {.data = "no\nJSON"}, false);
    EXPECT_EQ(text, R"({"id":null,"event":null,"data":"no\u000aJSON"})");
}

}  // namespace
}  // namespace herald::cli
