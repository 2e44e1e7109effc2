// Blocks that fit into any stream, the checksum of a stream made of them, and who is offered what.
#include "compression.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include "compression_offers.hpp"
#include "ws_frame.hpp"

namespace herald {
namespace {

// The text of a gzip stream (`bits` 31) or of a raw one (-15); "broken" where it is none, or its
// trailer is wrong.
std::string inflated(std::string_view bytes, int bits) {
    z_stream stream{};
    inflateInit2(&stream, bits);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string text(1 << 20, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    text.resize(stream.total_out);
    inflateEnd(&stream);
    const bool ended = result == Z_STREAM_END && stream.avail_in == 0;
    return ended || (bits < 0 && (result == Z_OK || result == Z_BUF_ERROR)) ? text : "broken";
}

TEST(Compression, MakesAGzipStreamOfBlocksInAnyOrder) {
    const std::string texts[] = {"data: 1\n\n", std::string(100'000, 'x'), "", "data: 2\n\n"};
    for (const auto& order : {std::vector{0, 1, 2, 3}, std::vector{3, 3, 1}, std::vector<int>{}}) {
        std::string stream(kGzipHeader), wanted;
        GzipSum sum;
        for (int i : order) {
            append_gzip_block(stream, texts[i]);
            sum.add(texts[i]);
            wanted += texts[i];
        }
        EXPECT_EQ(inflated(stream + gzip_trailer(sum), 31), wanted);
        GzipSum wrong = sum;
        wrong.crc ^= 1;
        EXPECT_EQ(inflated(stream + gzip_trailer(wrong), 31), "broken");
    }
}

TEST(Compression, LetsABlockReferToNothingButItself) {
    const std::string text = "a text that would be short the second time";
    std::string first, second;
    append_gzip_block(first, text);
    append_gzip_block(second, text);
    EXPECT_EQ(first, second);
    EXPECT_EQ(inflated(second, -15), text);
}

TEST(GzipSum, IsThatOfWhatWasAddedBetweenTwoSumsOfAnother) {
    GzipSum lane;
    lane.add("before");
    GzipSum own;
    own.add("greeting");
    const GzipSum from = lane;
    lane.add("one");
    lane.add(std::string(70'000, 'y'));
    own.add_between(from, lane);
    own.add_between(lane, lane);

    GzipSum wanted;
    wanted.add("greetingone" + std::string(70'000, 'y'));
    EXPECT_EQ(own, wanted);
}

std::string compressed_event(Transport transport, std::string_view data) {
    Encoding encoding;
    encoding.transport = transport;
    encoding.compressed = true;
    OutEvent event;
    event.data = data;
    std::string bytes;
    GzipSum sum;
    append_compressed_event(bytes, encoding, event, sum);
    EXPECT_EQ(sum.size, transport == Transport::Sse ? data.size() + 8 : 0);
    return bytes;
}

TEST(Compression, CompressesWebSocketMessagesAndNotTheirFrames) {
    const std::string data = "{\"a\":\"" + std::string(200, 'z') + "\"}";
    const std::string frame = compressed_event(Transport::WsText, data);
    EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x80 | kWsCompressed | kWsText);
    EXPECT_EQ(static_cast<size_t>(frame[1]) + 2, frame.size());
    EXPECT_EQ(inflated(frame.substr(2) + std::string("\0\0\xff\xff", 4), -15), data);

    std::string plain;
    append_ws_text(plain, "{}");
    EXPECT_EQ(compressed_event(Transport::WsText, "{}"), plain);
}

TEST(Compression, CompressesWholeSseBlocks) {
    EXPECT_EQ(inflated(compressed_event(Transport::Sse, "{\"n\":1}"), -15), "data: {\"n\":1}\n\n");
}

TEST(AcceptsGzip, ReadsCodingsAndWeights) {
    for (const char* value :
         {"gzip", "GZIP", "x-gzip", "br, gzip;q=0.1", "*", "gzip ; q=1.000", "identity, *;q=0.5"})
        EXPECT_TRUE(accepts_gzip(value)) << value;
    for (const char* value : {"", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "*, gzip;q=0",
                              "gzipped", ",,", "identity"})
        EXPECT_FALSE(accepts_gzip(value)) << value;
}

TEST(FindDeflateOffer, TakesTheFirstThatCanBeMet) {
    for (const char* value :
         {"permessage-deflate", "permessage-deflate; client_max_window_bits",
          "foo, permessage-deflate; server_no_context_takeover; client_no_context_takeover",
          "Permessage-Deflate;client_max_window_bits=\"9\"",
          "permessage-deflate; server_max_window_bits=14, permessage-deflate"})
        EXPECT_EQ(find_deflate_offer(value), DeflateOffer::Plain) << value;
    EXPECT_EQ(find_deflate_offer("permessage-deflate; server_max_window_bits=15"),
              DeflateOffer::Bounded);
    for (const char* value :
         {"", "deflate", "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_max_window_bits=8", "permessage-deflate; x=1",
          "permessage-deflate; client_max_window_bits=7",
          "permessage-deflate; client_max_window_bits=016",
          "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
          "permessage-deflate; server_no_context_takeover=true"})
        EXPECT_EQ(find_deflate_offer(value), DeflateOffer::None) << value;
}

WsParser::Event first_event(WsParser& parser, std::string bytes, WsParser::Result wanted) {
    WsParser::Event event;
    size_t used = 0;
    EXPECT_EQ(parser.consume(bytes.data(), bytes.size(), used, event), wanted);
    return event;
}

TEST(WsParserWithDeflate, PassesOverCompressedMessagesAndNothingElse) {
    const std::string mask(4, '\0');
    const std::string first = "\x41\x82" + mask + "\xff\xff", rest = "\x80\x81" + mask + "\xff";
    WsParser parser(1024, true);
    EXPECT_EQ(first_event(parser, first + rest, WsParser::Result::Message).length, 3u);
    EXPECT_EQ(first_event(parser, "\x81\x81" + mask + "\xff", WsParser::Result::Error).code, 1007);
    for (const char* head : {"\xc9\x80", "\xc0\x80", "\xa1\x80", "\x91\x80"}) {
        WsParser other(1024, true);
        EXPECT_EQ(first_event(other, head + mask, WsParser::Result::Error).code, 1002);
    }
}

}  // namespace
}  // namespace herald
