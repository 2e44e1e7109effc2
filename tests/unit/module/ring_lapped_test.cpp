// Readers that the writer overtakes, and records that are being written while somebody looks: the
// writer is stopped between two of its steps by its probe.
#include <functional>

#include "ring_fixture.hpp"

namespace herald::ring {
namespace {

using RingReader = RingTest;

TEST_F(RingReader, ReadsTheOldestRecordOfAFullRing) {
    fill();
    EXPECT_EQ(seqs(), "1 2 3 4 ");
}

TEST_F(RingReader, ReportsLappedAfterOverwrite) {
    fill();
    append_sized(1024);
    EXPECT_EQ(seqs(), "");
    EXPECT_EQ(poll, Poll::Lapped);
    EXPECT_EQ(reader->evicted_seq(), 1u);
}

TEST_F(RingReader, ReportsLappedWhenFarBehind) {
    for (int i = 0; i < 100; ++i)
        append_sized(1024);
    EXPECT_EQ(seqs(), "");
    EXPECT_EQ(poll, Poll::Lapped);
}

TEST_F(RingReader, GoesOnAtTheOldestRecordAfterLapped) {
    for (int i = 0; i < 10; ++i)
        append_sized(1024);
    seqs();
    reader->seek(reader->oldest());
    EXPECT_EQ(reader->evicted_seq(), 6u);
    EXPECT_EQ(seqs(), "7 8 9 10 ");
}

TEST_F(RingReader, DoesNotAdvanceWhenLapped) {
    fill();
    append_sized(1024);
    seqs();
    EXPECT_EQ(reader->cursor(), 0u);
}

TEST_F(RingReader, ReportsLappedForAnOldPosition) {
    fill();
    append_sized(128);
    Record record;
    EXPECT_EQ(reader->read_at(0, record), Poll::Lapped);
    EXPECT_EQ(reader->read_at(1024, record), Poll::Record);
}

TEST_F(RingReader, ReportsLappedWhenTheBodyIsOverwrittenAfterThePeek) {
    fill();
    RecordHeader header;
    ASSERT_EQ(reader->peek(header), Poll::Record);
    append_sized(128);
    Record record;
    EXPECT_EQ(reader->body(0, header, record), Poll::Lapped);
}

TEST_F(RingReader, LosesNothingWhenOnlyPaddingWasOverwritten) {
    append_sized(2048);
    append_sized(1920);
    EXPECT_EQ(seqs(), "1 2 ");  // the cursor is where 128 bytes of padding come
    append_sized(2048);         // 3
    append_sized(2048);         // 4, up to the padding
    EXPECT_EQ(append_sized(128), 2 * kCapacity);
    EXPECT_EQ(seqs(), "");
    ASSERT_EQ(poll, Poll::Lapped);
    reader->seek(reader->oldest());
    EXPECT_EQ(reader->evicted_seq(), 3u);
    EXPECT_EQ(seqs(), "4 5 ");
}

// --- Between the writer's steps ---

using Hook = std::function<void(Step)>;
struct HookProbe {
    Hook* hook = nullptr;
    void operator()(Step step) const {
        if (hook != nullptr && *hook)
            (*hook)(step);
    }
};

// Every step of an append that overwrites the oldest record, as a reader sees it. Four fill the
// ring.
class RingHook : public testing::Test {
  protected:
    void SetUp() override {
        WriterOptions options;
        options.capacity = 4096;
        writer = std::make_unique<BasicWriter<HookProbe>>(options, HookProbe{&hook});
        mapping = std::make_unique<Mapping>(writer->fd(), writer->map_size());
        reader = std::make_unique<Reader>(*mapping);
        for (int i = 0; i < 4; ++i)
            append();
    }

    uint64_t append() {
        const std::string data(1024 - sizeof(RecordHeader) - 1, static_cast<char>('a' + seq));
        return writer->append({Kind::Event, 0, ++seq, 0, "c", "", data});
    }

    Hook hook;
    std::unique_ptr<BasicWriter<HookProbe>> writer;
    std::unique_ptr<Mapping> mapping;
    std::unique_ptr<Reader> reader;
    uint64_t seq = 0;
};

class RingStep : public RingHook, public testing::WithParamInterface<Step> {};

TEST_P(RingStep, ShowsTheOldRecordOrNothing) {
    bool asked = false;
    hook = [&](Step step) {
        if (step != GetParam())
            return;
        asked = true;
        Record record;
        const Poll poll = reader->read_at(0, record);
        EXPECT_EQ(poll, step == Step::Forgot ? Poll::Record : Poll::Lapped);
    };
    append();
    EXPECT_TRUE(asked);
}

TEST_P(RingStep, ShowsTheNewRecordOnlyWhenPublished) {
    hook = [&](Step step) {
        if (step != GetParam())
            return;
        RecordHeader header;
        const Poll expected = step == Step::Published ? Poll::Record : Poll::Empty;
        EXPECT_EQ(reader->header_at(4096, header), expected);
    };
    append();
}

TEST_P(RingStep, LeavesTheOtherRecordsReadable) {
    hook = [&](Step step) {
        if (step != GetParam())
            return;
        reader->seek(reader->oldest());
        Record record;
        for (uint64_t expected = 2; expected <= 4; ++expected) {
            ASSERT_EQ(reader->next(record), Poll::Record);
            EXPECT_EQ(record.header.seq, expected);
        }
        EXPECT_EQ(reader->evicted_seq(), 1u);
    };
    append();
}

// Between the two loads of a reader that goes on after Lapped, the writer may count more records as
// evicted that the reader can still read: it has to skip them, or seqs would go back.
TEST_F(RingHook, RecordsCountedAsEvictedMayStillBeMet) {
    const uint64_t oldest = reader->oldest();
    uint64_t evicted = 0;
    Record record;
    hook = [&](Step step) {
        if (step != Step::Forgot)
            return;
        evicted = reader->evicted_seq();
        EXPECT_EQ(reader->read_at(oldest, record), Poll::Record);
    };
    append();
    EXPECT_EQ(evicted, 1u);
    EXPECT_EQ(record.header.seq, 1u);
}

INSTANTIATE_TEST_SUITE_P(All, RingStep,
                         testing::Values(Step::Forgot, Step::Intended, Step::Padded,
                                         Step::HeaderWritten, Step::BodyWritten, Step::Published));

}  // namespace
}  // namespace herald::ring
