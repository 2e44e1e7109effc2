// Reading the journal: from where it is asked to, over what is damaged, gone or there twice.
#include "sidecar/journal_reader.hpp"

#include "journal_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

// Segments made by hand.
class JournalReaderTest : public JournalFixture {
  protected:
    JournalReaderTest() { make_directories(journal_path(), 0750); }

    static std::string lines(uint64_t first, uint64_t last) {
        std::string out;
        for (; first <= last; ++first)
            append_line(out, {ring::Kind::Event, false, {1, first}, 0, 5, "c", "", data_of(first)});
        return out;
    }
    // Adds a segment of which everything may be read.
    void add(uint64_t first, const std::string& content, uint64_t last_seq) {
        const std::string path = journal_path() + "/" + segment_name(1, first);
        put_file(path, content);
        segments_.add({1, first, path});
        segments_.extend(content.size(), last_seq);
    }
    std::vector<uint64_t> read(uint64_t after = 0) {
        JournalReader reader(segments_, after);
        return read_rest(reader);
    }

    Segments segments_{};
};

TEST_F(JournalReaderTest, EndsWhereThereIsNothing) {
    EXPECT_THAT(read(), IsEmpty());
    JournalReader reader(segments_, 0);
    EXPECT_THAT(read_rest(reader), IsEmpty());
    add(1, lines(1, 2), 2);
    EXPECT_THAT(read_rest(reader), ElementsAre(1, 2));
}

TEST_F(JournalReaderTest, StartsBehindAnySeq) {
    add(1, lines(1, 4), 4);
    add(5, lines(5, 5), 5);
    add(6, lines(6, 9), 9);
    for (uint64_t after = 0; after <= 9; ++after)
        EXPECT_THAT(read(after), ElementsAreArray(seqs(after + 1, 9)));
    EXPECT_THAT(read(10), IsEmpty());
    EXPECT_THAT(read(UINT64_MAX), IsEmpty());
}

TEST_F(JournalReaderTest, ReadsNothingBehindWhatIsWritten) {
    add(1, lines(1, 4), 4);
    segments_.extend(lines(1, 2).size(), 2);
    JournalReader reader(segments_, 0);
    EXPECT_THAT(read_rest(reader), ElementsAre(1, 2));
    segments_.extend(lines(1, 3).size(), 3);
    EXPECT_THAT(read_rest(reader), ElementsAre(3));
    EXPECT_EQ(reader.last_seq(), 3u);
}

TEST_F(JournalReaderTest, StepsOverATornLineAtASegmentsEnd) {
    const std::string torn = lines(1, 3);
    add(1, torn.substr(0, torn.size() - 5), 2);
    add(3, lines(3, 4), 4);
    EXPECT_THAT(read(), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(bad_lines_, 1u);
}

TEST_F(JournalReaderTest, StepsOverADamagedSector) {
    std::string content = lines(1, 100);
    content.replace(1000, 512, std::string(512, '\0'));
    add(1, content, 100);
    const auto read_seqs = read();
    EXPECT_GT(read_seqs.size(), 85u);
    EXPECT_LT(read_seqs.size(), 100u);
    EXPECT_EQ(read_seqs.back(), 100u);
    EXPECT_EQ(bad_lines_, 1u);
}

TEST_F(JournalReaderTest, FollowsNoSeqBeyondTheJournals) {
    add(1, lines(1, 2) + lines(700, 700) + lines(3, 4), 4);
    EXPECT_THAT(read(), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(bad_lines_, 1u);
}

TEST_F(JournalReaderTest, ReadsWhatIsThereTwiceOnce) {
    add(1, lines(1, 5), 5);
    add(3, lines(3, 7), 7);
    EXPECT_THAT(read(), ElementsAreArray(seqs(1, 7)));
    EXPECT_THAT(read(3), ElementsAre(4, 5, 6, 7));
    EXPECT_EQ(bad_lines_, 0u);
}

TEST_F(JournalReaderTest, GoesOnBehindSegmentsThatWereDeleted) {
    add(1, lines(1, 2), 2);
    add(3, lines(3, 4), 4);
    add(5, lines(5, 6), 6);
    add(7, lines(7, 8), 8);
    JournalReader reader(segments_, 0);
    JournalEntry entry;
    ASSERT_EQ(reader.next(entry), JournalReader::Read::Entry);

    // One is gone for everybody, another one only from the disk so far.
    const auto paths = segment_paths();
    for (size_t i = 0; i < 3; ++i)
        unlink(paths[i].c_str());
    segments_.remove_oldest();
    segments_.remove_oldest();
    EXPECT_THAT(read_rest(reader), ElementsAre(2, 7, 8));
    EXPECT_THAT(read(), ElementsAre(7, 8));
}

TEST_F(JournalReaderTest, ReadsLinesOfAnyLength) {
    std::string content;
    for (uint64_t seq = 1; seq <= 12; ++seq) {
        const std::string data = "\"" + std::string(size_t{1} << (2 * seq), 'x') + "\"";
        append_line(content, {ring::Kind::Event, false, {1, seq}, 0, 5, "c", "", data});
        content += lines(100, 99);
    }
    add(1, content, 12);
    JournalReader reader(segments_, 0);
    JournalEntry entry;
    for (uint64_t seq = 1; seq <= 12; ++seq) {
        ASSERT_EQ(reader.next(entry), JournalReader::Read::Entry);
        EXPECT_EQ(entry.id.seq, seq);
        EXPECT_EQ(entry.data.size(), (size_t{1} << (2 * seq)) + 2);
    }
    EXPECT_EQ(reader.next(entry), JournalReader::Read::End);
}

TEST_F(JournalReaderTest, GivesNoticesAsTheyWere) {
    std::string content = lines(1, 1);
    append_line(content, {ring::Kind::Gap, false, {1, 50}, 1, 5, "", "", ""});
    add(1, content, 50);
    JournalReader reader(segments_, 1);
    JournalEntry entry;
    ASSERT_EQ(reader.next(entry), JournalReader::Read::Entry);
    EXPECT_EQ(entry.kind, ring::Kind::Gap);
    EXPECT_EQ(entry.id.seq, 50u);
    EXPECT_EQ(entry.from_seq, 1u);
}

TEST_F(JournalReaderTest, ThrowsWhereASegmentCannotBeRead) {
    add(1, lines(1, 2), 2);
    const std::string path = segment_paths().at(0);
    unlink(path.c_str());
    make_directories(path, 0750);
    EXPECT_THROW(read(), std::system_error);
}

TEST_F(JournalReaderTest, FindsATailOfAboutAsManyBytesAsWanted) {
    add(1, lines(1, 10), 10);
    add(11, lines(11, 20), 20);
    add(21, lines(21, 30), 30);
    const uint64_t line = lines(11, 11).size();
    EXPECT_EQ(tail_start(segments_, 0), 30u);
    EXPECT_EQ(tail_start(segments_, line - 1), 30u);
    EXPECT_EQ(tail_start(segments_, line), 29u);
    EXPECT_EQ(tail_start(segments_, line + 1), 29u);
    EXPECT_EQ(tail_start(segments_, 10 * line - 1), 21u);
    EXPECT_EQ(tail_start(segments_, 10 * line), 20u);
    EXPECT_EQ(tail_start(segments_, 13 * line), 17u);
    EXPECT_EQ(tail_start(segments_, 1000000), 0u);
    EXPECT_EQ(tail_start(segments_, UINT64_MAX), 0u);
    EXPECT_EQ(tail_start(Segments(), 100), 0u);
}

TEST_F(JournalReaderTest, FindsNoTailBehindALineThatIsTooLong) {
    std::string content = lines(1, 1);
    const std::string data = "\"" + std::string(1 << 20, 'x') + "\"";
    append_line(content, {ring::Kind::Event, false, {1, 2}, 0, 5, "c", "", data});
    add(1, content, 2);
    EXPECT_EQ(tail_start(segments_, 1 << 20), 2u);
    EXPECT_EQ(tail_start(segments_, content.size() - 1), 1u);
    add(3, lines(3, 3), 3);
    EXPECT_EQ(tail_start(segments_, 1 << 20), 2u);
}

}  // namespace
}  // namespace herald::sidecar
