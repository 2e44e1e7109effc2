// The exact bytes of an event on each transport (docs/formats.md).
#include "encoding.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace herald {
namespace {

constexpr EventId kId{0x7f3a2c01, 42};

std::string encode(Transport transport, const OutEvent& event, bool ids = true) {
    std::string out;
    append_event(out, transport, ids, event);
    return out;
}

// --- SSE ---

TEST(SseEncoding, WritesIdNameAndData) {
    EXPECT_EQ(encode(Transport::Sse, {kId, "progress", "jobs:1", R"({"done":5})"}),
              "id: 7f3a2c01-42\nevent: progress\ndata: {\"done\":5}\n\n");
}

TEST(SseEncoding, LeavesOutTheIdWhenTheLaneHasNone) {
    EXPECT_EQ(encode(Transport::Sse, {kId, "progress", "jobs:1", "1"}, false),
              "event: progress\ndata: 1\n\n");
}

TEST(SseEncoding, LeavesOutTheIdWhenTheEventHasNone) {
    EXPECT_EQ(encode(Transport::Sse, {std::nullopt, "connected", "", "{}"}),
              "event: connected\ndata: {}\n\n");
}

TEST(SseEncoding, LeavesOutAnEmptyName) {
    EXPECT_EQ(encode(Transport::Sse, {kId, "", "jobs:1", "null"}),
              "id: 7f3a2c01-42\ndata: null\n\n");
}

TEST(SseEncoding, KeepsDataAsItCame) {
    EXPECT_EQ(encode(Transport::Sse, {std::nullopt, "", "", "  {\"a\" : \"\\n\xc3\xa9\"} "}),
              "data:   {\"a\" : \"\\n\xc3\xa9\"} \n\n");
}

TEST(SseEncoding, WritesTheLongestId) {
    EXPECT_EQ(encode(Transport::Sse, {EventId{UINT32_MAX, UINT64_MAX}, "", "", "1"}),
              "id: ffffffff-18446744073709551615\ndata: 1\n\n");
}

// --- WebSocket ---

TEST(WsTextEncoding, IsTheDataAlone) {
    EXPECT_EQ(encode(Transport::WsText, {kId, "progress", "jobs:1", R"({"a":1})"}),
              "\x81\x07{\"a\":1}");
}

TEST(WsTextEncoding, Writes16BitLengthsFrom126On) {
    const std::string small(125, '1'), large(126, '1');
    EXPECT_EQ(encode(Transport::WsText, {kId, "", "", small}), "\x81\x7d" + small);
    EXPECT_EQ(encode(Transport::WsText, {kId, "", "", large}),
              std::string("\x81\x7e\x00\x7e", 4) + large);
}

TEST(WsTextEncoding, Writes64BitLengthsFrom65536On) {
    const std::string small(65535, '1'), large(65536, '1');
    EXPECT_EQ(encode(Transport::WsText, {kId, "", "", small}), "\x81\x7e\xff\xff" + small);
    EXPECT_EQ(encode(Transport::WsText, {kId, "", "", large}),
              std::string("\x81\x7f\0\0\0\0\0\1\0\0", 10) + large);
}

TEST(WsEnvelopeEncoding, WrapsTheData) {
    const std::string text =
        R"({"id":"7f3a2c01-42","event":"progress","channel":"jobs:1","data":{"a":1}})";
    EXPECT_EQ(encode(Transport::WsEnvelope, {kId, "progress", "jobs:1", R"({"a":1})"}),
              std::string("\x81") + static_cast<char>(text.size()) + text);
}

TEST(WsEnvelopeEncoding, WritesNullForWhatIsMissing) {
    const std::string text = R"({"id":null,"event":null,"channel":null,"data":[]})";
    EXPECT_EQ(encode(Transport::WsEnvelope, {std::nullopt, "", "", "[]"}),
              std::string("\x81") + static_cast<char>(text.size()) + text);
}

TEST(WsEnvelopeEncoding, EscapesQuotesAndBackslashesInNames) {
    const std::string text = R"({"id":null,"event":"a\"b\\","channel":"\\\"c\"","data":"\""})";
    EXPECT_EQ(encode(Transport::WsEnvelope, {std::nullopt, R"(a"b\)", R"(\"c")", R"("\"")"}),
              std::string("\x81") + static_cast<char>(text.size()) + text);
}

// --- The bound ---

TEST(EncodedBound, HoldsForEveryTransport) {
    const std::string worst(255, '"');
    for (size_t data : {0u, 1u, 125u, 126u, 65535u, 65536u}) {
        const std::string text(data, '"');
        const OutEvent event{EventId{UINT32_MAX, UINT64_MAX}, worst, worst, text};
        for (auto transport : {Transport::Sse, Transport::WsText, Transport::WsEnvelope}) {
            // On the heap and of exactly this size, for AddressSanitizer to watch.
            const size_t bound = encoded_bound(transport, event);
            auto out = std::make_unique<char[]>(bound);
            const auto size = encode_event(transport, true, event, out.get()) - out.get();
            EXPECT_LE(static_cast<size_t>(size), bound);
        }
    }
}

TEST(Encoding, HasADifferentIndexForEveryByteStream) {
    for (size_t i = 0; i < Encoding::kCount; ++i)
        EXPECT_EQ(Encoding::at(i).index(), i);
    EXPECT_EQ((Encoding{Transport::WsText, false, false}.index()),
              (Encoding{Transport::WsText, true, true}.index()));
}

// --- The rest of SSE and HTTP ---

TEST(SseEncoding, WritesRetryAsABlock) {
    std::string out = "before";
    append_retry(out, 3000);
    EXPECT_EQ(out, "beforeretry: 3000\n\n");
}

TEST(SseEncoding, WritesACommentAsABlock) {
    std::string out;
    append_comment(out, "keepalive");
    append_comment(out, "");
    EXPECT_EQ(out, ": keepalive\n\n: \n\n");
}

TEST(HttpChunk, HasItsSizeInHex) {
    EXPECT_EQ(chunk("x"), "1\r\nx\r\n");
    EXPECT_EQ(chunk(std::string(255, 'x')), "ff\r\n" + std::string(255, 'x') + "\r\n");
    EXPECT_EQ(chunk(std::string(0x12345, 'x')).substr(0, 8), "12345\r\nx");
}

}  // namespace
}  // namespace herald
