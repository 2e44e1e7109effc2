// What the load generator counts with: the ledger of deliveries, the histogram of latencies, the
// search for events in a stream, and HTTP/2 frames.
#include <gtest/gtest.h>

#include <vector>

#include "histogram.hpp"
#include "http2.hpp"
#include "ledger.hpp"
#include "payload.hpp"

namespace herald::bench {
namespace {

TEST(Ledger, CountsEachDeliveryOnce) {
    Ledger ledger(2);
    EXPECT_TRUE(ledger.record(0, 0, 2));
    EXPECT_TRUE(ledger.record(0, 1, 2));
    EXPECT_FALSE(ledger.record(0, 1, 2));
    EXPECT_EQ(ledger.delivered(), 2U);
    EXPECT_EQ(ledger.duplicated(), 1U);
    EXPECT_EQ(ledger.slowest(), 0U);
}

TEST(Ledger, TakesWhatComesLateForOutOfOrderAndNotForLost) {
    Ledger ledger(1);
    ledger.record(0, 0, 4);
    ledger.record(0, 3, 4);
    EXPECT_TRUE(ledger.record(0, 1, 4));
    EXPECT_FALSE(ledger.record(0, 1, 4));
    EXPECT_EQ(ledger.delivered(), 3U);  // 2 is missing
    EXPECT_EQ(ledger.out_of_order(), 1U);
    EXPECT_EQ(ledger.duplicated(), 1U);
}

TEST(Ledger, KnowsWhatWasNeverPublished) {
    Ledger ledger(1);
    EXPECT_FALSE(ledger.record(0, 7, 7));
    EXPECT_EQ(ledger.foreign(), 1U);
}

TEST(Histogram, GivesQuantilesWithinTwoPercent) {
    Histogram histogram;
    for (uint64_t value = 1; value <= 100'000; ++value) {
        histogram.add(value * 10);
    }
    EXPECT_NEAR(static_cast<double>(histogram.at(0.5)), 500'000, 10'000);
    EXPECT_NEAR(static_cast<double>(histogram.at(0.99)), 990'000, 20'000);
    EXPECT_EQ(histogram.max(), 1'000'000U);
}

std::vector<uint64_t> numbers_in(std::string_view bytes, uint16_t& stride, size_t& left) {
    std::vector<uint64_t> numbers;
    const char* rest = scan_events(bytes.data(), bytes.data() + bytes.size(), stride,
                                   [&](uint64_t number) { numbers.push_back(number); });
    left = static_cast<size_t>(bytes.data() + bytes.size() - rest);
    return numbers;
}

TEST(ScanEvents, FindsThemWhateverIsAround) {
    std::string stream;
    std::string payload;
    for (uint64_t number = 0; number < 5; ++number) {
        write_payload(payload, number, 123'456'789);
        EXPECT_EQ(payload.size(), kPayloadSize);
        stream += "id: 1-" + std::to_string(number * 999) + "\ndata: " + payload + "\n\n";
    }
    uint16_t stride = 0;
    size_t left = 0;
    EXPECT_EQ(numbers_in(stream, stride, left), (std::vector<uint64_t>{0, 1, 2, 3, 4}));
}

TEST(ScanEvents, GoOnWhereAReadEnded) {
    std::string payload;
    write_payload(payload, 42, 1);
    for (size_t cut = 0; cut <= payload.size(); ++cut) {
        uint16_t stride = 0;
        size_t left = 0;
        std::vector<uint64_t> found = numbers_in(payload.substr(0, cut), stride, left);
        const std::string second = payload.substr(cut - left);
        for (uint64_t number : numbers_in(second, stride, left)) {
            found.push_back(number);
        }
        EXPECT_EQ(found, std::vector<uint64_t>{42}) << "cut at " << cut;
    }
}

std::string frame(uint8_t type, uint8_t flags, uint8_t stream, const std::string& payload) {
    std::string bytes{0,
                      0,
                      static_cast<char>(payload.size()),
                      static_cast<char>(type),
                      static_cast<char>(flags),
                      0,
                      0,
                      0,
                      static_cast<char>(stream)};
    return bytes + payload;
}

TEST(Http2, TakesFramesOutOfAnyCutOfTheBytes) {
    const std::string bytes = frame(Http2Connection::kHeaders, 0x4, 1, "\x88 and more") +
                              frame(Http2Connection::kData, 0, 3, "data: {}\n\n");
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        Http2Connection connection;
        std::string seen;
        for (std::string_view part :
             {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
            connection.feed(part);
            while (auto next = connection.next()) {
                seen += std::to_string(next->stream) + ":" + std::string(next->payload) + ";";
            }
        }
        EXPECT_EQ(seen, "1:\x88 and more;3:data: {}\n\n;") << "cut at " << cut;
    }
}

TEST(Http2, AnswersSettingsAndPingsButNoAcknowledgement) {
    Http2Connection connection;
    EXPECT_EQ(connection.answer({Http2Connection::kSettings, 0, 0, ""}),
              frame(Http2Connection::kSettings, Http2Connection::kAck, 0, ""));
    EXPECT_EQ(connection.answer({Http2Connection::kPing, 0, 0, "12345678"}),
              frame(Http2Connection::kPing, Http2Connection::kAck, 0, "12345678"));
    EXPECT_EQ(connection.answer({Http2Connection::kSettings, Http2Connection::kAck, 0, ""}), "");
}

TEST(Http2, GivesTheWindowBackBeforeItIsUsedUp) {
    Http2Connection connection;
    const std::string payload(16'384, 'x');
    uint64_t received = 0;
    std::string update;
    while (update.empty()) {
        update = connection.answer({Http2Connection::kData, 0, 1, payload});
        received += payload.size();
        ASSERT_LT(received, 0x7fffffffU);
    }
    connection.feed(update);
    const auto taken = connection.next();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->type, Http2Connection::kWindowUpdate);
    uint32_t by = 0;
    for (char byte : taken->payload) {
        by = by << 8 | static_cast<uint8_t>(byte);
    }
    EXPECT_EQ(by, received);
}

TEST(Http2, RefusesPadding) {
    Http2Connection connection;
    connection.feed(frame(Http2Connection::kData, Http2Connection::kPadded, 1, "\x01x "));
    EXPECT_THROW(connection.next(), std::runtime_error);
}

TEST(Http2, KnowsStatus200ByItsIndex) {
    EXPECT_TRUE(Http2Connection::is_ok({Http2Connection::kHeaders, 0, 1, "\x88"}));
    EXPECT_FALSE(Http2Connection::is_ok({Http2Connection::kHeaders, 0, 1, "\x8d"}));  // 404
}

}  // namespace
}  // namespace herald::bench
