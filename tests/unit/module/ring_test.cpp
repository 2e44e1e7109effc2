// What is written into the ring is what is read from it: order, wrap, links between records.
#include <algorithm>
#include <vector>

#include "ring_fixture.hpp"

namespace herald::ring {
namespace {

using RingWriter = RingTest;
using RingReader = RingTest;

// --- One record ---

TEST_F(RingReader, ReportsEmptyForANewRing) {
    Record record;
    EXPECT_EQ(reader->next(record), Poll::Empty);
    EXPECT_EQ(reader->cursor(), 0u);
}

TEST_F(RingReader, ReadsEveryFieldOfARecord) {
    writer->append({Kind::Event, kEndsStream, 42, 1700000000123, "jobs:1", "done", R"({"a":1})"});
    Record record;
    ASSERT_EQ(reader->next(record), Poll::Record);
    EXPECT_EQ(record.position, 0u);
    EXPECT_EQ(record.header.kind, Kind::Event);
    EXPECT_EQ(record.header.flags, kEndsStream);
    EXPECT_EQ(record.header.seq, 42u);
    EXPECT_EQ(record.header.at_ms, 1700000000123u);
    EXPECT_EQ(record.channel, "jobs:1");
    EXPECT_EQ(record.event, "done");
    EXPECT_EQ(record.data, R"({"a":1})");
}

TEST_F(RingReader, ReadsANoticeWithoutChannelOrData) {
    writer->append({Kind::RedisLost, 0, 1, 0, {}, {}, {}});
    Record record;
    ASSERT_EQ(reader->next(record), Poll::Record);
    EXPECT_EQ(record.header.kind, Kind::RedisLost);
    EXPECT_EQ(record.header.length, sizeof(RecordHeader));
    EXPECT_TRUE(record.channel.empty() && record.event.empty() && record.data.empty());
}

TEST_F(RingReader, KeepsBytesThatAreNoText) {
    std::string data(256, '\0');
    for (size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<char>(i);
    append("c", data);
    Record record;
    ASSERT_EQ(reader->next(record), Poll::Record);
    EXPECT_EQ(record.data, data);
}

TEST_F(RingReader, IsEmptyAgainBehindTheNewestRecord) {
    append("c", "1");
    EXPECT_EQ(seqs(), "1 ");
    EXPECT_EQ(poll, Poll::Empty);
    append("c", "2");
    EXPECT_EQ(seqs(), "2 ");
}

TEST_F(RingReader, StartsAtTheOldestRecord) {
    for (int i = 0; i < 5; ++i)
        append_sized(1024);
    reader = std::make_unique<Reader>(*mapping);
    EXPECT_EQ(seqs(), "2 3 4 5 ");
}

TEST_F(RingReader, PeekDoesNotAdvance) {
    append("c", "1");
    RecordHeader header;
    ASSERT_EQ(reader->peek(header), Poll::Record);
    ASSERT_EQ(reader->peek(header), Poll::Record);
    EXPECT_EQ(header.seq, 1u);
    EXPECT_EQ(reader->cursor(), 0u);
}

TEST_F(RingReader, SkipGoesBehindThePeekedRecord) {
    append("c", "1");
    append("c", "2");
    RecordHeader header;
    ASSERT_EQ(reader->peek(header), Poll::Record);
    reader->skip(header);
    EXPECT_EQ(seqs(), "2 ");
}

TEST_F(RingReader, ReadsAtAPositionWithoutMoving) {
    append("c", "first");
    const uint64_t second = append("c", "second");
    Record record;
    ASSERT_EQ(reader->read_at(second, record), Poll::Record);
    EXPECT_EQ(record.data, "second");
    EXPECT_EQ(record.position, second);
    EXPECT_EQ(reader->cursor(), 0u);
}

// --- Space and the wrap ---

TEST_F(RingWriter, AlignsRecordsTo64Bytes) {
    EXPECT_EQ(append("c", ""), 0u);  // 65 bytes
    EXPECT_EQ(append("c", std::string(63, 'x')), 128u);
    EXPECT_EQ(append("c", std::string(64, 'x')), 256u);  // 129 bytes
    EXPECT_EQ(append("c", ""), 448u);
}

TEST_F(RingWriter, FillsTheRingToTheLastByteWithoutPadding) {
    for (int i = 0; i < 4; ++i)
        append_sized(1024);
    EXPECT_EQ(reader->tail(), kCapacity);
    EXPECT_EQ(seqs(), "1 2 3 4 ");
    EXPECT_EQ(append_sized(1024), kCapacity);
    EXPECT_EQ(seqs(), "5 ");
}

TEST_F(RingWriter, PadsWhereARecordWouldCrossTheWrap) {
    append_sized(2048);
    append_sized(1984);
    const uint64_t position = append_sized(128);
    EXPECT_EQ(position, kCapacity);

    const RecordHeader padding = header_at(4032);
    EXPECT_EQ(padding.kind, Kind::Padding);
    EXPECT_EQ(padding.length, 64u);
}

TEST_F(RingReader, StepsOverPadding) {
    append_sized(2048);
    append_sized(1024);
    seqs();
    append_sized(2048);
    EXPECT_EQ(seqs(), "3 ");
    EXPECT_EQ(reader->cursor(), kCapacity + 2048);
}

TEST_F(RingReader, FindsARecordOfEverySizeWhole) {
    Record record;
    for (uint64_t size = 128; size <= kCapacity / 2; size += kAlignment) {
        append_sized(size);
        ASSERT_EQ(reader->next(record), Poll::Record) << size;
        ASSERT_EQ(record.data.size(), size - sizeof(RecordHeader) - 1);
        ASSERT_EQ(record.data.find_first_not_of('x'), std::string::npos);
    }
}

TEST_F(RingReader, RefusesToReadPaddingAsARecord) {
    append_sized(2048);
    append_sized(1984);
    append_sized(128);
    Record record;
    EXPECT_EQ(reader->read_at(4032, record), Poll::Corrupt);
}

TEST_F(RingWriter, RoundsItsCapacityUpToPages) {
    WriterOptions options;
    options.capacity = 5000;
    open(options);
    EXPECT_EQ(mapping->capacity(), 8192u);
    EXPECT_EQ(writer->map_size(), kHeaderSize + 8192u);
}

// --- fits ---

TEST_F(RingWriter, FitsUpToHalfOfTheRing) {
    const size_t data = kCapacity / 2 - sizeof(RecordHeader) - 4;
    EXPECT_TRUE(writer->fits(3, 1, data));
    EXPECT_FALSE(writer->fits(3, 1, data + 1));
}

TEST_F(RingWriter, FitsUpToMaxMessage) {
    WriterOptions options;
    options.max_message = 100;
    open(options);
    EXPECT_TRUE(writer->fits(1, 0, 100));
    EXPECT_FALSE(writer->fits(1, 0, 101));
}

TEST_F(RingWriter, FitsNamesUpToTheirLimits) {
    EXPECT_TRUE(writer->fits(kMaxChannelLength, kMaxEventLength, 0));
    EXPECT_FALSE(writer->fits(kMaxChannelLength + 1, 0, 0));
    EXPECT_FALSE(writer->fits(0, kMaxEventLength + 1, 0));
}

// --- Links ---

TEST_F(RingWriter, LinksTheFirstRecordOfAChannelToNothing) {
    WriterOptions options;
    options.base_seq = 7;
    open(options);
    seq = 7;
    const RecordHeader header = header_at(append("a", ""));
    EXPECT_EQ(header.previous, kNoPosition);
    EXPECT_EQ(header.previous_seq, 7u);  // the channel may have had that one, before this ring
}

TEST_F(RingWriter, LinksARecordToThePreviousOneOfItsChannel) {
    const uint64_t first = append("a", "1");
    append("b", "2");
    const RecordHeader header = header_at(append("a", "3"));
    EXPECT_EQ(header.previous, first);
    EXPECT_EQ(header.previous_seq, 1u);
}

TEST_F(RingWriter, KeepsTheLinkToARecordThatIsGone) {
    append_sized(2048, "a");
    append_sized(1024, "b");
    const RecordHeader header = header_at(append_sized(2048, "a"));  // overwrites the first one
    EXPECT_EQ(header.previous, kNoPosition);
    EXPECT_EQ(header.previous_seq, 1u);
}

TEST_F(RingWriter, ForgetsAChannelWithItsLastRecord) {
    append_sized(1024, "gone");
    for (int i = 0; i < 4; ++i)
        append_sized(1024, "loud");
    EXPECT_EQ(writer->channels(), 1u);
}

TEST_F(RingWriter, LinksAForgottenChannelToTheEvictedSeq) {
    append_sized(1024, "a");
    for (int i = 0; i < 6; ++i)
        append_sized(1024, "b");  // 2 to 7; 1 to 3 are gone
    const RecordHeader header = header_at(append_sized(1024, "a"));
    EXPECT_EQ(header.previous, kNoPosition);
    EXPECT_EQ(header.previous_seq, 4u);  // no record of `a` lies between 4 and this one
}

TEST_F(RingReader, WalksAChannelBackwards) {
    for (int i = 0; i < 3; ++i) {
        append("a", std::to_string(i));
        append("b", "x");
    }
    std::string found;
    Record record;
    for (uint64_t at = append("a", "3"); at != kNoPosition; at = record.header.previous) {
        ASSERT_EQ(reader->read_at(at, record), Poll::Record);
        ASSERT_EQ(record.channel, "a");
        found += record.data;
    }
    EXPECT_EQ(found, "3210");
}

TEST_F(RingWriter, HashesChannelsWithTheRingsSeed) {
    WriterOptions options;
    options.hash_seed = 99;
    open(options);
    const uint64_t position = append("jobs:1", "");
    EXPECT_EQ(header_at(position).channel_hash, hash_channel("jobs:1", 99));
    EXPECT_NE(header_at(position).channel_hash, hash_channel("jobs:1", 98));
}

// --- What the header says ---

TEST_F(RingWriter, DescribesItselfInTheHeader) {
    WriterOptions options;
    options.log = 0x7f3a2c01;
    options.max_message = 1000;
    options.base_seq = 41;
    options.incarnation = 5;
    options.created_ms = 6;
    options.past_logs = std::vector<uint32_t>(20, 3);
    open(options);
    const Header& header = mapping->header();
    EXPECT_EQ(header.log, 0x7f3a2c01u);
    EXPECT_EQ(header.max_message, 1000u);
    EXPECT_EQ(header.incarnation, 5u);
    EXPECT_EQ(header.created_ms, 6u);
    EXPECT_EQ(header.past_log_count, kPastLogs);
    EXPECT_EQ(header.past_logs[kPastLogs - 1], 3u);
    EXPECT_EQ(header.last_seq.load(), 41u);
    EXPECT_EQ(header.evicted_seq.load(), 41u);
}

TEST_F(RingWriter, CountsAsEvictedOnlyWhatIsGone) {
    for (int i = 0; i < 4; ++i)
        append_sized(1024);
    EXPECT_EQ(reader->evicted_seq(), 0u);
    append_sized(64 + 64);
    EXPECT_EQ(reader->evicted_seq(), 1u);
    EXPECT_EQ(reader->oldest(), 1024u);
    EXPECT_EQ(mapping->header().last_seq.load(), 5u);
}

}  // namespace
}  // namespace herald::ring
