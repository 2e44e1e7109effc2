// A ring whose writer is broken: what contradicts itself is Corrupt, and no byte outside of the
// ring is read for it (AddressSanitizer and the page behind the mapping watch).
#include <functional>
#include <random>

#include "ring_fixture.hpp"

namespace herald::ring {
namespace {

class DamagedRing : public RingTest {
  protected:
    void SetUp() override {
        RingTest::SetUp();
        append("c", "1", "e");
        position = append("c", std::string(100, 'x'), "name");
        append("c", "3", "e");
        reader->seek(position);
    }

    Poll poll_after(const std::function<void(RecordHeader&)>& damage) {
        damage(raw_header(position));
        Record record;
        return reader->next(record);
    }

    uint64_t position = 0;
};

TEST_F(DamagedRing, IsReadableBeforeTheDamage) {
    EXPECT_EQ(poll_after([](RecordHeader&) {}), Poll::Record);
}

TEST_F(DamagedRing, RejectsALengthOfZero) {
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.length = 0; }), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsALengthBelowTheHeaders) {
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.length = 63; }), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsTheLargestLength) {
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.length = UINT32_MAX; }), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsALengthBeyondTheTail) {
    EXPECT_EQ(poll_after([](RecordHeader& h) {
                  h.data_length += 512;
                  h.length += 512;
              }),
              Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsALengthBeyondTheWrap) {
    while (reader->tail() % kCapacity < kCapacity - 256)
        append("c", "");
    const uint64_t last = append("c", std::string(60, 'x'));
    for (int i = 0; i < 6; ++i)
        append("c", "");  // the tail is far enough behind the wrap
    RecordHeader& header = raw_header(last);
    header.data_length += 256;
    header.length += 256;
    Record record;
    EXPECT_EQ(reader->read_at(last, record), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsPartsThatDoNotMakeUpTheLength) {
    EXPECT_EQ(poll_after([](RecordHeader& h) { ++h.data_length; }), Poll::Corrupt);
    EXPECT_EQ(poll_after([](RecordHeader& h) { --h.data_length; }), Poll::Record);
    EXPECT_EQ(poll_after([](RecordHeader&) {}), Poll::Record);
}

TEST_F(DamagedRing, RejectsAChannelLongerThanTheRecord) {
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.channel_length = UINT16_MAX; }), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsPartsWhoseSumOverflows) {
    EXPECT_EQ(poll_after([](RecordHeader& h) {
                  h.data_length = UINT32_MAX;
                  h.event_length = 100;  // in 32 bits the sum would be small again
              }),
              Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsKindsThatDoNotExist) {
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.kind = Kind{0}; }), Poll::Corrupt);
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.kind = Kind{7}; }), Poll::Corrupt);
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.kind = Kind{255}; }), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsPaddingThatDoesNotReachTheWrap) {
    EXPECT_EQ(poll_after([](RecordHeader& h) {
                  h.kind = Kind::Padding;
                  h.length = 128;
              }),
              Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsPaddingBeyondTheTail) {
    EXPECT_EQ(poll_after([this](RecordHeader& h) {
                  h.kind = Kind::Padding;
                  h.length = static_cast<uint32_t>(kCapacity - position);
              }),
              Poll::Corrupt);
}

TEST_F(DamagedRing, StaysWhereTheCorruptRecordIs) {
    EXPECT_EQ(poll_after([](RecordHeader& h) { h.length = 0; }), Poll::Corrupt);
    EXPECT_EQ(reader->cursor(), position);
}

// --- Positions ---

TEST_F(DamagedRing, RejectsAPositionBeyondTheTail) {
    Record record;
    EXPECT_EQ(reader->read_at(reader->tail() + kAlignment, record), Poll::Corrupt);
    EXPECT_EQ(reader->read_at(kNoPosition, record), Poll::Corrupt);
    EXPECT_EQ(reader->read_at(kNoPosition - 63, record), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsAPositionThatIsNotAligned) {
    Record record;
    for (uint64_t at = 1; at < kAlignment; ++at)
        EXPECT_EQ(reader->read_at(at, record), Poll::Corrupt);
}

TEST_F(DamagedRing, RejectsAPositionInTheMiddleOfARecord) {
    Record record;
    EXPECT_EQ(reader->read_at(position + kAlignment, record), Poll::Corrupt);
}

TEST_F(DamagedRing, SurvivesATailThatIsNonsense) {
    Record record;
    for (uint64_t tail : {uint64_t{1}, uint64_t{63}, uint64_t{1} << 63, ~uint64_t{0}}) {
        writer->header().tail.store(tail);
        for (uint64_t at : {uint64_t{0}, position, position + kCapacity})
            reader->read_at(at, record);
    }
}

TEST_F(DamagedRing, SurvivesAnIntentThatIsNonsense) {
    Record record;
    writer->header().intent.store(~uint64_t{0});
    EXPECT_EQ(reader->next(record), Poll::Lapped);
    writer->header().intent.store(0);
    EXPECT_EQ(reader->next(record), Poll::Record);
}

// Whatever the ring's bytes are, a record that is accepted lies within the ring.
TEST_F(DamagedRing, NeverReadsOutOfBoundsOfRandomRings) {
    std::mt19937_64 random(20261121);
    Record record;
    uint64_t accepted = 0;
    for (int round = 0; round < 20000; ++round) {
        // Plausible headers with one damaged field reach further than noise.
        RecordHeader& header = raw_header(random() % (kCapacity / kAlignment) * kAlignment);
        header.kind = static_cast<Kind>(random() % 6);
        header.channel_length = static_cast<uint16_t>(random() % 64);
        header.event_length = static_cast<uint16_t>(random() % 32);
        header.data_length = static_cast<uint32_t>(random() % 512);
        header.length = static_cast<uint32_t>(sizeof header + header.channel_length +
                                              header.event_length + header.data_length);
        if (random() % 2 == 0)
            reinterpret_cast<unsigned char*>(&header)[random() % 64] =
                static_cast<unsigned char>(random());
        const uint64_t tail = random() % (3 * kCapacity / kAlignment) * kAlignment;
        writer->header().tail.store(tail);
        writer->header().intent.store(tail);

        for (uint64_t at = 0; at < kCapacity; at += kAlignment) {
            if (reader->read_at(tail - kCapacity + at, record) != Poll::Record)
                continue;
            ++accepted;
            ASSERT_EQ(record.header.length, sizeof(RecordHeader) + record.channel.size() +
                                                record.event.size() + record.data.size());
            ASSERT_LE(record.position % kCapacity + record.header.length, kCapacity);
        }
    }
    EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace herald::ring
