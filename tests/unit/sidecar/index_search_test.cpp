// What the index answers to searches: which events, where it ends them, and how to go on.
#include <gmock/gmock.h>

#include <random>

#include "index_fixture.hpp"
#include "sidecar/index_search.hpp"

namespace herald::sidecar {
namespace {

using ring::questions::HistorySearch;
using testing::ElementsAre;
using testing::IsEmpty;

class IndexSearches : public IndexTest {
  protected:
    IndexSearches() { open(); }

    void put_type(uint64_t seq, std::string_view type, std::string_view channel = "a") {
        put(seq, channel, R"({"type":")" + std::string(type) + R"("})");
    }
    History search(const HistorySearch& search, const HistoryRange& range = {},
                   std::vector<std::string> channels = {"a"}) {
        HistoryQuestion question;
        question.range = range;
        question.channels = std::move(channels);
        question.search = search;
        return parse_history(index_.answer(question));
    }
    // All that a client gets that goes on until there is no more; in the order of seqs.
    std::vector<uint64_t> search_on(HistorySearch what, HistoryRange range, size_t& questions) {
        std::vector<uint64_t> seqs;
        for (questions = 1;; ++questions) {
            const History history = search(what, range);
            const auto part = history.seqs();
            const bool forward = range.order == Order::Forward;
            seqs.insert(forward ? seqs.end() : seqs.begin(), part.begin(), part.end());
            if (history.head.more == 0)
                return seqs;
            EXPECT_NE(history.head.behind_seq, 0u);
            (forward ? range.after_seq : what.before_seq) = history.head.behind_seq;
        }
    }
};

TEST_F(IndexSearches, FindTypesInBothDirections) {
    for (uint64_t seq = 1; seq <= 9; ++seq)
        put_type(seq, seq % 3 == 0 ? "third" : "other");
    EXPECT_THAT(search({.types = {"third"}}).seqs(), ElementsAre(3, 6, 9));
    EXPECT_THAT(search({.types = {"third"}}, {.order = Order::Newest, .limit = 2}).seqs(),
                ElementsAre(6, 9));
    EXPECT_THAT(search({.types = {"third", "other"}}, {.limit = 2}).seqs(), ElementsAre(1, 2));
    EXPECT_THAT(search({.types = {"none"}}).seqs(), IsEmpty());
    EXPECT_THAT(search({.types = {"tick"}}).seqs(), IsEmpty());
}

TEST_F(IndexSearches, SayHowFarTheyGot) {
    for (uint64_t seq = 1; seq <= 9; ++seq)
        put_type(seq, seq % 3 == 0 ? "third" : "other");
    History history = search({.types = {"third"}}, {.limit = 2});
    EXPECT_EQ(history.head.behind_seq, 6u);
    EXPECT_EQ(history.head.more, 1u);
    history = search({.types = {"other"}});
    EXPECT_EQ(history.head.behind_seq, 9u) << "also over what is not what is searched for";
    EXPECT_EQ(history.head.more, 0u);
    history = search({.types = {"third"}}, {.order = Order::Newest, .limit = 1});
    EXPECT_EQ(history.head.behind_seq, 9u);
    EXPECT_EQ(history.head.more, 1u);
    EXPECT_EQ(search({.types = {"third"}}, {.after_seq = 9}).head.behind_seq, 0u);
    EXPECT_EQ(search({}).head.behind_seq, 0u) << "who searches for nothing";
}

TEST_F(IndexSearches, UntilIsInclusiveAndSinceIsNot) {
    for (uint64_t seq = 1; seq <= 6; ++seq)
        put(seq, "a");
    EXPECT_THAT(search({.until_us = time_of(3)}).seqs(), ElementsAre(1, 2, 3));
    EXPECT_THAT(search({.until_us = time_of(3) - 1}).seqs(), ElementsAre(1, 2));
    EXPECT_THAT(search({.until_us = time_of(5)}, {.since_us = time_of(3)}).seqs(),
                ElementsAre(4, 5));
    EXPECT_THAT(search({.until_us = time_of(5)}, {.order = Order::Newest, .limit = 2}).seqs(),
                ElementsAre(4, 5));
    EXPECT_THAT(search({.until_us = time_of(1) - 1}).seqs(), IsEmpty());
}

TEST_F(IndexSearches, UntilFindsTimesThatGoBackAndForth) {
    const std::vector<uint64_t> at = {10, 50, 20, 60, 40, 50, 70, 60};
    for (size_t i = 0; i < at.size(); ++i)
        put_at(at[i], i + 1, "a");
    EXPECT_THAT(search({.until_us = 45'000}).seqs(), ElementsAre(1, 3, 5));
    EXPECT_THAT(search({.until_us = 50'000}, {.since_us = 20'000}).seqs(), ElementsAre(2, 5, 6));
}

TEST_F(IndexSearches, BeforeIsExclusive) {
    for (uint64_t seq = 1; seq <= 6; ++seq)
        put(seq, "a");
    EXPECT_THAT(search({.before_seq = 4}, {.order = Order::Newest, .limit = 2}).seqs(),
                ElementsAre(2, 3));
    EXPECT_THAT(search({.before_seq = 4}, {.after_seq = 1}).seqs(), ElementsAre(2, 3));
    EXPECT_THAT(search({.before_seq = 1}, {.order = Order::Newest}).seqs(), IsEmpty());
    EXPECT_THAT(search({.before_seq = UINT64_MAX}).seqs(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(IndexSearches, EndWhereTheyHaveLookedAtEnough) {
    const uint64_t most = IndexSearch::kMostLooked;
    put_type(1, "rare");
    for (uint64_t seq = 2; seq <= most; ++seq)
        put_type(seq, "other");
    History history = search({.types = {"rare"}}, {.order = Order::Newest});
    EXPECT_THAT(history.seqs(), ElementsAre(1));
    EXPECT_EQ(history.head.more, 0u) << "exactly as many as it may cost";

    put_type(most + 1, "other");
    history = search({.types = {"rare"}}, {.order = Order::Newest});
    EXPECT_THAT(history.seqs(), IsEmpty());
    EXPECT_EQ(history.head.more, 1u);
    EXPECT_EQ(history.head.behind_seq, 2u);
    EXPECT_THAT(search({.before_seq = 2, .types = {"rare"}}, {.order = Order::Newest}).seqs(),
                ElementsAre(1));

    history = search({.types = {"none"}});
    EXPECT_EQ(history.head.more, 1u);
    EXPECT_EQ(history.head.behind_seq, most);
    history = search({.types = {"none"}}, {.after_seq = most});
    EXPECT_EQ(history.head.more, 0u);
}

TEST_F(IndexSearches, EndWhereTheyHaveReadEnough) {
    const std::string large = R"({"message":")" + std::string(1 << 20, 'x') + R"("})";
    const uint64_t enough = (IndexSearch::kMostLookedBytes >> 20);
    for (uint64_t seq = 1; seq <= 2 * enough; ++seq)
        put(seq, "a", large);
    const History history = search({.text = "y"});
    EXPECT_EQ(history.head.more, 1u);
    EXPECT_EQ(history.head.behind_seq, enough);
    EXPECT_THAT(search({.text = "y"}, {.after_seq = enough}).seqs(), IsEmpty());
}

TEST_F(IndexSearches, EndWhereTheyHavePassedOverEnough) {
    const uint64_t most = IndexSearch::kMostPassed;
    put(1, "a");
    for (uint64_t seq = 2; seq <= most + 2; ++seq)
        put_at(kStartMs + 5000, seq, "a");
    const HistoryRange newest{.order = Order::Newest};
    History history = search({.until_us = time_of(1)}, newest);
    EXPECT_THAT(history.seqs(), IsEmpty());
    EXPECT_EQ(history.head.more, 1u);
    EXPECT_EQ(history.head.behind_seq, 3u);
    history = search({.until_us = time_of(1), .before_seq = 3}, newest);
    EXPECT_THAT(history.seqs(), ElementsAre(1));
    EXPECT_EQ(history.head.more, 0u);
}

TEST_F(IndexSearches, BytesOfTheAnswerEndThemInFrontOfWhatDidNotFit) {
    const std::string data = R"({"type":"t","x":")" + std::string(1000, 'x') + R"("})";
    for (uint64_t seq = 1; seq <= 10; ++seq)
        put(seq, "a", data);
    History history = search({.types = {"t"}}, {.max_bytes = 3500});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 3));
    EXPECT_EQ(history.head.behind_seq, 3u);
    history = search({.types = {"t"}}, {.order = Order::Newest, .max_bytes = 3500});
    EXPECT_THAT(history.seqs(), ElementsAre(8, 9, 10));
    EXPECT_EQ(history.head.behind_seq, 8u);
}

TEST_F(IndexSearches, GoneOnWithMeetEveryEventOnce) {
    std::minstd_rand random(7);
    std::vector<uint64_t> wanted;
    for (uint64_t seq = 1; seq <= 25'000; ++seq) {
        const bool is_rare = random() % 97 == 0;
        const bool is_other = random() % 5 == 0;
        put_type(seq, is_rare ? "rare" : "common", is_other ? "b" : "a");
        if (is_rare && !is_other)
            wanted.push_back(seq);
    }
    for (const Order order : {Order::Forward, Order::Newest}) {
        for (const uint32_t limit : {0u, 7u, 100u}) {
            size_t questions = 0;
            const HistoryRange range{.order = order, .limit = limit};
            EXPECT_EQ(search_on({.types = {"rare"}}, range, questions), wanted) << limit;
            EXPECT_LE(questions, 3 + wanted.size() / (limit == 0 ? 10'000 : limit));
            EXPECT_GE(questions, 2u);
        }
    }
}

TEST_F(IndexSearches, MergeChannels) {
    put_type(1, "t", "b");
    put_type(2, "t", "a");
    put_type(3, "x", "a");
    put_type(4, "t", "b");
    EXPECT_THAT(search({.types = {"t"}}, {}, {"a", "b"}).seqs(), ElementsAre(1, 2, 4));
}

TEST_F(IndexSearches, AreNotModifiedWhereTheNewestIsKnown) {
    put_type(1, "t");
    EXPECT_EQ(search({.types = {"x"}}, {.known_seq = 1}).head.status, HistoryStatus::NotModified);
}

TEST_F(IndexSearches, BehindWhereTheNewestFoundLieAreNotAnswered) {
    put_type(1, "t");
    EXPECT_EQ(search({.types = {"t"}}, {.order = Order::Behind}).head.status,
              HistoryStatus::Malformed);
}

// -- as they travel

HistoryQuestion full_question() {
    HistoryQuestion question;
    question.channels = {"a", "b"};
    question.search = {.until_us = -5,
                       .before_seq = 7,
                       .types = {"x", std::string(ring::questions::kMaxSearched, 'y')},
                       .stages = {"s"},
                       .statuses = {},
                       .text = "q"};
    return question;
}

bool decodes(std::string_view bytes, HistoryQuestion& question) {
    ring::questions::Kind kind;
    return take_kind(bytes, kind) && ring::questions::decode(bytes, question);
}

TEST(HistorySearchBytes, ComeBackAsTheyWere) {
    const HistoryQuestion question = full_question();
    HistoryQuestion back;
    ASSERT_TRUE(decodes(encode(question), back));
    EXPECT_EQ(back.search, question.search);
    EXPECT_EQ(back.channels, question.channels);
}

TEST(HistorySearchBytes, AreNotThereWhereNothingIsSearchedFor) {
    HistoryQuestion question = full_question();
    const std::string with = encode(question);
    ASSERT_TRUE(decodes(with, question));
    question.search = {};
    const std::string without = encode(question);
    EXPECT_LT(without.size(), with.size());
    ASSERT_TRUE(decodes(without, question));
    EXPECT_FALSE(question.search.is_any());
}

TEST(HistorySearchBytes, DoNotDecodeCutShortNorWithBytesLeft) {
    HistoryQuestion question = full_question();
    const std::string bytes = encode(question);
    question.search = {};
    const size_t without = encode(question).size();
    for (size_t size = 0; size < bytes.size(); ++size) {
        const bool is_whole = size == without;
        EXPECT_EQ(decodes(std::string_view(bytes).substr(0, size), question), is_whole) << size;
    }
    EXPECT_FALSE(decodes(bytes + "x", question));
}

TEST(PolledIdBytes, ComeBackAsTheyWere) {
    HistoryQuestion question = full_question();
    question.poll.emplace();
    question.poll->after = ring::EventId{0x7f3a2c01, UINT64_MAX};
    question.poll->known = ring::EventId{0, 0};
    std::string bytes = encode(question);
    std::string_view rest = bytes;
    ring::questions::Kind kind;
    ASSERT_TRUE(take_kind(rest, kind));
    EXPECT_EQ(kind, ring::questions::Kind::Poll);
    HistoryQuestion back;
    ASSERT_TRUE(decode_poll(rest, back));
    EXPECT_EQ(back.poll, question.poll);
    EXPECT_EQ(back.search, question.search);
    ASSERT_TRUE(decodes(encode(full_question()), back));
    EXPECT_FALSE(back.poll);
}

TEST(PolledIdBytes, DoNotDecodeCutShort) {
    HistoryQuestion question = full_question();
    question.poll.emplace();
    const std::string bytes = encode(question).substr(sizeof(ring::questions::Kind));
    for (size_t size = 0; size < 48; ++size)
        EXPECT_FALSE(decode_poll(std::string_view(bytes).substr(0, size), question)) << size;
}

TEST(HistorySearchBytes, DoNotDecodeBeyondTheirBounds) {
    HistoryQuestion question = full_question();
    question.search.types.assign(ring::questions::kMaxAlternatives + 1, "x");
    EXPECT_FALSE(decodes(encode(question), question));
    question = full_question();
    question.search.text.assign(ring::questions::kMaxSearched + 1, 'x');
    EXPECT_FALSE(decodes(encode(question), question));
    question = full_question();
    question.search.stages = {std::string(ring::questions::kMaxSearched + 1, 'x')};
    EXPECT_FALSE(decodes(encode(question), question));
}

TEST(HistorySearchBytes, AnyBytesDecodeOrDoNot) {
    const std::string whole = encode(full_question());
    std::minstd_rand random(1);
    size_t decoded = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = whole;
        for (auto changes = random() % 4 + 1; changes != 0; --changes)
            bytes[4 + random() % (bytes.size() - 4)] = static_cast<char>(random());
        HistoryQuestion question;
        if (!decodes(bytes, question))
            continue;
        ++decoded;
        EXPECT_LE(question.search.types.size(), ring::questions::kMaxAlternatives);
        EXPECT_LE(question.search.text.size(), ring::questions::kMaxSearched);
    }
    EXPECT_GT(decoded, 0u);
}

}  // namespace
}  // namespace herald::sidecar
