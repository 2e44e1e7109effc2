// From messages to records, as a worker reads them.
#include "sidecar/publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <optional>

#include "ring/reader.hpp"
#include "sidecar/fd.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar {
namespace {

class PublisherTest : public testing::Test {
  protected:
    PublisherTest() {
        config_.ring_size = 1 << 20;
        config_.max_message = 1000;
        config_.feeds.push_back({"runs", ChannelPattern("run:{id}"), "type"});
        config_.feeds.push_back({"bare", ChannelPattern("run:")});
        doorbells_.add(bell_.get());
        publisher_.emplace(loop_.get(), config_, 0x7f3a2c01, std::vector<uint32_t>{5, 4},
                           doorbells_);
        mapping_.emplace(publisher_->ring_fd(), publisher_->ring_map_size());
        reader_.emplace(*mapping_);
    }

    uint64_t count(ring::Counter counter) { return mapping_->header().counters[counter]; }

    // How often the doorbell rang since the last look.
    uint64_t rings() {
        uint64_t value = 0;
        return read(bell_.get(), &value, sizeof value) == sizeof value ? value : 0;
    }

    ring::Record next() {
        ring::Record record;
        EXPECT_EQ(reader_->next(record), ring::Poll::Record);
        return record;
    }

    Config config_{};
    Loop loop_{};
    Fd bell_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    Doorbells doorbells_{};
    std::optional<Publisher> publisher_{};
    std::optional<ring::Mapping> mapping_{};
    std::optional<ring::Reader> reader_{};
};

TEST_F(PublisherTest, TellsWorkersWhoseRingItIs) {
    const ring::Header& header = mapping_->header();
    EXPECT_EQ(header.log, 0x7f3a2c01u);
    EXPECT_EQ(header.max_message, 1000u);
    EXPECT_EQ(header.past_log_count, 2u);
    EXPECT_EQ(header.past_logs[0], 5u);
    EXPECT_NE(header.incarnation, 0u);
    EXPECT_EQ(header.redis.load(), ring::RedisState::Connecting);
}

TEST_F(PublisherTest, NumbersEventsFromOne) {
    publisher_->on_message({0, "run:1", R"({"type":"started"})"});
    publisher_->on_message({0, "run:2", "[1,\n2]"});
    const ring::Record first = next();
    EXPECT_EQ(first.header.seq, 1u);
    EXPECT_EQ(first.channel, "run:1");
    EXPECT_EQ(first.event, "started");
    EXPECT_EQ(first.data, R"({"type":"started"})");
    const ring::Record second = next();
    EXPECT_EQ(second.header.seq, 2u);
    EXPECT_EQ(second.event, "");
    EXPECT_EQ(second.data, "[1, 2]");
    EXPECT_EQ(count(ring::kReceived), 2u);
    EXPECT_EQ(count(ring::kPublished), 2u);
}

TEST_F(PublisherTest, CountsEveryReject) {
    publisher_->on_message({0, "run:1", ""});
    publisher_->on_message({0, "run:1", std::string(1001, '1')});
    publisher_->on_message({0, "run:1", "\xff"});
    publisher_->on_message({0, "run:1", "{"});
    publisher_->on_message({0, "run:\n", "1"});
    publisher_->on_message({1, "other", "1"});
    publisher_->on_message({0, "run:1", R"({"type":"a\nb"})"});
    EXPECT_EQ(count(ring::kReceived), 7u);
    EXPECT_EQ(count(ring::kRejectedEmpty), 1u);
    EXPECT_EQ(count(ring::kRejectedTooLarge), 1u);
    EXPECT_EQ(count(ring::kRejectedUtf8), 1u);
    EXPECT_EQ(count(ring::kRejectedJson), 1u);
    EXPECT_EQ(count(ring::kRejectedChannel), 1u);
    EXPECT_EQ(count(ring::kUnmatched), 1u);
    EXPECT_EQ(count(ring::kUnnamed), 1u);
    EXPECT_EQ(count(ring::kPublished), 1u);
    EXPECT_EQ(next().header.seq, 1u);
}

// Redis delivers `run:` for the globs of both feeds.
TEST_F(PublisherTest, TakesAChannelOnceThatTwoGlobsMatch) {
    publisher_->on_message({0, "run:", "1"});
    publisher_->on_message({1, "run:", "1"});
    EXPECT_EQ(count(ring::kReceived), 1u);
    EXPECT_EQ(count(ring::kPublished), 1u);
    EXPECT_EQ(count(ring::kUnmatched), 0u);
}

TEST_F(PublisherTest, RingsOncePerTurnOfTheLoop) {
    publisher_->on_message({0, "run:1", "1"});
    publisher_->on_message({0, "run:1", "2"});
    EXPECT_EQ(rings(), 0u);
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    EXPECT_EQ(rings(), 1u);
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    EXPECT_EQ(rings(), 0u);
}

TEST_F(PublisherTest, SaysNothingAboutAFirstConnection) {
    publisher_->on_connected();
    EXPECT_EQ(mapping_->header().redis.load(), ring::RedisState::Connected);
    EXPECT_EQ(mapping_->header().last_seq.load(), 0u);
    EXPECT_EQ(count(ring::kReconnects), 0u);
}

TEST_F(PublisherTest, AnnouncesALossAndAReturn) {
    publisher_->on_connected();
    publisher_->on_message({0, "run:1", "1"});
    publisher_->on_lost();
    EXPECT_EQ(mapping_->header().redis.load(), ring::RedisState::Lost);
    EXPECT_EQ(rings(), 1u);
    publisher_->on_connected();
    EXPECT_EQ(mapping_->header().redis.load(), ring::RedisState::Connected);
    EXPECT_EQ(rings(), 1u);
    EXPECT_EQ(count(ring::kReconnects), 1u);

    EXPECT_EQ(next().header.kind, ring::Kind::Event);
    const ring::Record lost = next();
    EXPECT_EQ(lost.header.kind, ring::Kind::RedisLost);
    EXPECT_EQ(lost.header.seq, 2u);
    const ring::Record back = next();
    EXPECT_EQ(back.header.kind, ring::Kind::RedisBack);
    EXPECT_EQ(back.header.seq, 3u);
    EXPECT_EQ(back.header.previous_seq, 2u);
    EXPECT_EQ(back.channel, "");
}

TEST_F(PublisherTest, AnnouncesAReturnAfterAFailedFirstAttempt) {
    publisher_->on_lost();
    publisher_->on_connected();
    for (ring::Kind kind : {ring::Kind::RedisLost, ring::Kind::RedisBack}) {
        ring::RecordHeader header;
        ASSERT_EQ(reader_->peek(header), ring::Poll::Record);
        EXPECT_EQ(header.kind, kind);
        reader_->skip(header);
    }
}

TEST_F(PublisherTest, TakesEveryMessageThatTheConfigurationAllows) {
    Config small = parse_config(
        "[ring]\nsize = \"64K\"\nmax_message = 31424\n[[feed]]\nname = \"a\"\n"
        "channels = \"{c}\"\nevent = \"t\"",
        "t", "");
    Publisher publisher(loop_.get(), small, 1, {}, doorbells_);
    const std::string channel(1024, 'c');
    std::string payload = "{\"t\":\"" + std::string(255, 'e') + "\"}";
    payload.resize(31424, ' ');
    for (int i = 0; i < 20; ++i)
        publisher.on_message({0, channel, payload});
    const ring::Mapping mapping(publisher.ring_fd(), publisher.ring_map_size());
    EXPECT_EQ(mapping.header().last_seq.load(), 20u);
    ring::Reader reader(mapping);
    ring::Record record;
    ASSERT_EQ(reader.next(record), ring::Poll::Record);
    EXPECT_EQ(record.data, payload);
}

}  // namespace
}  // namespace herald::sidecar
