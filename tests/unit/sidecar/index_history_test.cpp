// What the index answers: which events, in which order, in which pieces, and what it says about
// the channels.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "index_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class IndexHistory : public IndexTest {
  protected:
    IndexHistory() { open(); }
};

TEST_F(IndexHistory, GivesAnEventAsItWas) {
    put_at(1234, 7, "a", R"({"x": "\u00e9" })", true);
    const History history = ask({});
    ASSERT_EQ(history.items.size(), 1u);
    const History::Item& item = history.items[0];
    EXPECT_EQ(item.header.seq, 7u);
    EXPECT_EQ(item.header.at_ms, 1234u);
    EXPECT_EQ(item.header.kind, ring::Kind::Event);
    EXPECT_EQ(item.header.flags, ring::kEndsStream);
    EXPECT_EQ(item.channel, "a");
    EXPECT_EQ(item.event, "tick");
    EXPECT_EQ(item.data, R"({"x": "\u00e9" })");
}

TEST_F(IndexHistory, GivesAnEventWithoutAName) {
    JournalEntry entry;
    entry.id = {1, 1};
    entry.channel = "a";
    entry.data = "2";
    index_.apply(entry);
    const History history = ask({});
    ASSERT_EQ(history.items.size(), 1u);
    EXPECT_EQ(history.items[0].event, "");
    EXPECT_EQ(history.items[0].data, "2");
    EXPECT_EQ(history.items[0].header.flags, 0);
}

TEST_F(IndexHistory, ForwardIsBehindAfterAndUpToTheBound) {
    for (uint64_t seq = 1; seq <= 6; ++seq)
        put(seq, "a");
    EXPECT_THAT(ask({.after_seq = 2}).seqs(), ElementsAre(3, 4, 5, 6));
    EXPECT_THAT(ask({.after_seq = 2, .up_to_seq = 4}).seqs(), ElementsAre(3, 4));
    EXPECT_THAT(ask({.after_seq = 4, .up_to_seq = 4}).seqs(), IsEmpty());
    EXPECT_THAT(ask({.after_seq = UINT64_MAX}).seqs(), IsEmpty());
    EXPECT_THAT(ask({.up_to_seq = UINT64_MAX}).seqs(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(IndexHistory, ForwardEndsAtTheLimitAndSaysWhetherThereIsMore) {
    for (uint64_t seq = 1; seq <= 4; ++seq)
        put(seq, "a");
    History history = ask({.limit = 3});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 3));
    EXPECT_EQ(history.head.more, 1u);

    history = ask({.limit = 4});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(history.head.more, 0u);

    history = ask({.limit = 3, .up_to_seq = 3});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 3));
    EXPECT_EQ(history.head.more, 0u);
}

TEST_F(IndexHistory, NewestComesInTheOrderOfSeqs) {
    for (uint64_t seq = 1; seq <= 5; ++seq)
        put(seq, "a");
    History history = ask({.order = Order::Newest, .limit = 2});
    EXPECT_THAT(history.seqs(), ElementsAre(4, 5));
    EXPECT_EQ(history.head.more, 1u);

    history = ask({.order = Order::Newest, .limit = 2, .after_seq = 1, .up_to_seq = 3});
    EXPECT_THAT(history.seqs(), ElementsAre(2, 3));
    EXPECT_EQ(history.head.more, 0u);

    history = ask({.order = Order::Newest});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_EQ(history.head.more, 0u);
}

TEST_F(IndexHistory, SinceIsExclusive) {
    for (uint64_t seq = 1; seq <= 4; ++seq)
        put(seq, "a");
    EXPECT_THAT(ask({.since_us = time_of(2)}).seqs(), ElementsAre(3, 4));
    EXPECT_THAT(ask({.since_us = time_of(2) - 1}).seqs(), ElementsAre(2, 3, 4));
    EXPECT_THAT(ask({.since_us = time_of(4)}).seqs(), IsEmpty());
    EXPECT_THAT(ask({.since_us = -1}).seqs(), ElementsAre(1, 2, 3, 4));

    const History history = ask({.order = Order::Newest, .limit = 1, .since_us = time_of(2)});
    EXPECT_THAT(history.seqs(), ElementsAre(4));
    EXPECT_EQ(history.head.more, 1u);
    EXPECT_EQ(ask({.order = Order::Newest, .limit = 2, .since_us = time_of(2)}).head.more, 0u);
}

TEST_F(IndexHistory, SinceFindsTimesThatGoBackAndForth) {
    const std::vector<uint64_t> at = {10, 50, 20, 60, 40, 50, 70, 60};
    for (size_t i = 0; i < at.size(); ++i)
        put_at(at[i], i + 1, "a");
    EXPECT_THAT(ask({.since_us = 45'000}).seqs(), ElementsAre(2, 4, 6, 7, 8));
    EXPECT_THAT(ask({.since_us = 60'000}).seqs(), ElementsAre(7));
    EXPECT_THAT(ask({.order = Order::Newest, .limit = 3, .since_us = 45'000}).seqs(),
                ElementsAre(6, 7, 8));
}

TEST_F(IndexHistory, MergesChannelsBySeq) {
    put(1, "b");
    put(2, "a");
    put(3, "c");
    put(4, "a");
    put(5, "b");
    const History history = ask({}, {"a", "b", "a", "nobody"});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 4, 5));
    EXPECT_EQ(history.items[0].channel, "b");
    EXPECT_EQ(history.items[1].channel, "a");
    EXPECT_THAT(ask({.order = Order::Newest, .limit = 3}, {"b", "a"}).seqs(), ElementsAre(2, 4, 5));
}

// Against the plain definition, over questions of every kind.
TEST_F(IndexHistory, AgreesWithALinearSearch) {
    struct Put {
        uint64_t seq;
        std::string channel;
        int64_t time_us;
    };
    std::mt19937 random(42);
    std::vector<Put> all;
    for (uint64_t seq = 1; seq <= 3000; seq += 1 + random() % 3) {
        const std::string channel(1, static_cast<char>('a' + random() % 4));
        const uint64_t at_ms = 1000 + seq * 10 + random() % 400;
        put_at(at_ms, seq, channel);
        all.push_back({seq, channel, static_cast<int64_t>(at_ms) * 1000});
    }

    for (int round = 0; round < 500; ++round) {
        HistoryRange range;
        range.order = random() % 2 != 0 ? Order::Newest : Order::Forward;
        range.limit = random() % 3 != 0 ? random() % 700 + 1 : 0;
        range.after_seq = random() % 2 != 0 ? random() % 3100 : 0;
        range.up_to_seq = random() % 2 != 0 ? random() % 3100 + 1 : 0;
        if (random() % 2 != 0)
            range.since_us = static_cast<int64_t>(random() % 33'000) * 1000;
        std::vector<std::string> channels;
        for (char name = 'a'; name <= 'e'; ++name) {
            if (random() % 2 != 0)
                channels.emplace_back(1, name);
        }
        if (channels.empty())
            channels = {"c"};

        std::vector<uint64_t> expected;
        for (const Put& event : all) {
            if (std::ranges::find(channels, event.channel) != channels.end() &&
                event.seq > range.after_seq &&
                (range.up_to_seq == 0 || event.seq <= range.up_to_seq) &&
                event.time_us > range.since_us)
                expected.push_back(event.seq);
        }
        const bool more = range.limit != 0 && expected.size() > range.limit;
        if (more && range.order == Order::Forward)
            expected.resize(range.limit);
        else if (more)
            expected.erase(expected.begin(), expected.end() - range.limit);

        const History history = ask(range, channels);
        ASSERT_EQ(history.seqs(), expected);
        ASSERT_EQ(history.head.more, more);
    }
}

TEST_F(IndexHistory, PiecesMeetWithoutGapOrRepeat) {
    std::vector<uint64_t> all;
    for (uint64_t seq = 1; seq <= 2000; ++seq) {
        if (seq % 100 == 0)
            put_notice(seq, ring::Kind::RedisBack, seq - 1);
        else
            put(seq, seq % 3 == 0 ? "a" : "b", std::string(seq % 300 + 1, '1'));
        all.push_back(seq);
    }
    std::vector<uint64_t> got;
    HistoryRange range{.max_bytes = 4096, .notices = 1};
    size_t pieces = 0;
    for (bool more = true; more; ++pieces) {
        const History history = ask(range, {"a", "b"});
        ASSERT_FALSE(history.items.empty());
        EXPECT_LE(history.bytes, 4096u);
        for (uint64_t seq : history.seqs())
            got.push_back(seq);
        range.after_seq = got.back();
        more = history.head.more != 0;
    }
    EXPECT_EQ(got, all);
    EXPECT_GT(pieces, 50u);
}

TEST_F(IndexHistory, OneEventIsGivenHoweverLongItIs) {
    put(1, "a", std::string(100'000, '1'));
    put(2, "a", std::string(100'000, '2'));
    History history = ask({.max_bytes = 10});
    EXPECT_THAT(history.seqs(), ElementsAre(1));
    EXPECT_EQ(history.items[0].data, std::string(100'000, '1'));
    EXPECT_EQ(history.head.more, 1u);

    history = ask({.order = Order::Newest, .max_bytes = 10});
    EXPECT_THAT(history.seqs(), ElementsAre(2));
    EXPECT_EQ(history.head.more, 1u);
}

TEST_F(IndexHistory, NewestDropsTheOldestToFit) {
    for (uint64_t seq = 1; seq <= 5; ++seq)
        put(seq, "a", std::string(100, '1'));
    const History history = ask({.order = Order::Newest, .limit = 5, .max_bytes = 3 * 145});
    EXPECT_THAT(history.seqs(), ElementsAre(3, 4, 5));
    EXPECT_EQ(history.bytes, 3u * 145);
    EXPECT_EQ(history.head.more, 1u);
    EXPECT_THAT(ask({.order = Order::Newest, .max_bytes = 3 * 145 - 1}).seqs(), ElementsAre(4, 5));
}

TEST_F(IndexHistory, HasABoundOfItsOwn) {
    for (uint64_t seq = 1; seq <= 20; ++seq)
        put(seq, "a", std::string(100'000, '1'));
    const History history = ask({});
    EXPECT_EQ(history.items.size(), 10u);
    EXPECT_EQ(history.head.more, 1u);
}

// -- the channels as a whole

TEST_F(IndexHistory, AnUnknownChannelIsFoundEmpty) {
    put(3, "b");
    const History history = ask({}, {"nobody"});
    EXPECT_EQ(history.head.status, HistoryStatus::Found);
    EXPECT_EQ(history.head.known, 0u);
    EXPECT_EQ(history.head.newest_seq, 0u);
    EXPECT_EQ(history.head.lost_seq, 0u);
    EXPECT_EQ(history.head.seen_seq, 3u);
    EXPECT_TRUE(history.items.empty());
}

TEST_F(IndexHistory, SaysWhereTheChannelsAreAndWhetherTheyHaveEnded) {
    put(1, "a", "1", true);
    put(2, "b");
    put(3, "c");
    History history = ask({}, {"a"});
    EXPECT_EQ(history.head.known, 1u);
    EXPECT_EQ(history.head.newest_seq, 1u);
    EXPECT_EQ(history.head.ended, 1u);
    EXPECT_EQ(history.head.seen_seq, 3u);

    history = ask({}, {"a", "b"});
    EXPECT_EQ(history.head.newest_seq, 2u);
    EXPECT_EQ(history.head.ended, 0u);

    put(4, "a");
    EXPECT_EQ(ask({}, {"a"}).head.ended, 0u);
}

TEST_F(IndexHistory, RemembersTheEndWhenItIsOpenedAgain) {
    put(1, "a", "1", true);
    put(2, "b");
    index_.commit();
    open();
    const History history = ask({.after_seq = 1});
    EXPECT_EQ(history.head.newest_seq, 1u);
    EXPECT_EQ(history.head.ended, 1u);
    EXPECT_EQ(history.head.known, 1u);
}

TEST_F(IndexHistory, IsNotModifiedWhereTheNewestIsKnown) {
    put(1, "a");
    put(2, "b");
    put(3, "a", "1", true);
    put(4, "c");
    const History history = ask({.known_seq = 3}, {"a", "b"});
    EXPECT_EQ(history.head.status, HistoryStatus::NotModified);
    EXPECT_EQ(history.head.newest_seq, 3u);
    EXPECT_EQ(history.head.known, 1u);
    EXPECT_EQ(history.head.ended, 1u);
    EXPECT_TRUE(history.items.empty());
    EXPECT_EQ(ask({.known_seq = 2}, {"a", "b"}).head.status, HistoryStatus::Found);
    EXPECT_EQ(ask({}, {"nobody"}).head.status, HistoryStatus::Found);
}

// -- behind which seq the newest ones lie

TEST_F(IndexHistory, BehindIsWhereTheNewestBegin) {
    for (uint64_t seq = 1; seq <= 9; ++seq)
        put(seq * 10, "a");
    const History history = ask({.order = Order::Behind, .limit = 3});
    EXPECT_EQ(history.head.behind_seq, 69u);
    EXPECT_EQ(history.head.status, HistoryStatus::Found);
    EXPECT_TRUE(history.items.empty());
    EXPECT_EQ(history.head.newest_seq, 90u);
    EXPECT_EQ(history.head.known, 1u);
    EXPECT_EQ(history.head.seen_seq, 90u);
    EXPECT_THAT(ask({.after_seq = 69}).seqs(), ElementsAre(70, 80, 90));
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 1}).head.behind_seq, 89u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 3, .up_to_seq = 55}).head.behind_seq, 29u);
}

TEST_F(IndexHistory, BehindIsWhereItWasAskedFromWhereThereAreFewer) {
    for (uint64_t seq = 11; seq <= 14; ++seq)
        put(seq, "a");
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 4}).head.behind_seq, 10u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 5}).head.behind_seq, 0u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 5, .after_seq = 12}).head.behind_seq, 12u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 2, .after_seq = 12}).head.behind_seq, 12u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 1, .after_seq = 12}).head.behind_seq, 13u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 1, .after_seq = 14}).head.behind_seq, 14u);
    EXPECT_EQ(ask({.order = Order::Behind, .limit = 1}, {"nobody"}).head.behind_seq, 0u);
    EXPECT_EQ(ask({.order = Order::Behind}).head.behind_seq, 0u);
}

TEST_F(IndexHistory, BehindCountsEventsOfAllChannelsAndNoNotices) {
    put(1, "a");
    put(2, "b");
    put_notice(3, ring::Kind::RedisLost);
    put(4, "c");
    put(5, "a");
    put_notice(6, ring::Kind::RedisBack, 3);
    put(7, "b");
    put_notice(8, ring::Kind::Away);
    for (uint32_t notices : {0u, 1u}) {
        const auto behind = [&](uint32_t limit) {
            const HistoryRange range{.order = Order::Behind, .limit = limit, .notices = notices};
            return ask(range, {"a", "b"}).head.behind_seq;
        };
        EXPECT_EQ(behind(1), 6u);
        EXPECT_EQ(behind(2), 4u);
        EXPECT_EQ(behind(3), 1u);
        EXPECT_EQ(behind(4), 0u);
        EXPECT_EQ(behind(5), 0u);
    }
}

TEST_F(IndexHistory, BehindGivesTheSameAsNewest) {
    std::minstd_rand random(7);
    for (uint64_t seq = 1; seq <= 2000; ++seq)
        put(seq, std::string(1, static_cast<char>('a' + random() % 5)));
    for (uint32_t limit : {1u, 2u, 63u, 64u, 65u, 500u, 1500u}) {
        const auto newest = ask({.order = Order::Newest, .limit = limit}, {"a", "c", "d"}).seqs();
        const History behind = ask({.order = Order::Behind, .limit = limit}, {"a", "c", "d"});
        const History forward = ask({.after_seq = behind.head.behind_seq}, {"a", "c", "d"});
        EXPECT_EQ(forward.seqs(), newest) << limit;
    }
}

TEST_F(IndexHistory, NonsenseIsMalformed) {
    put(1, "a");
    const std::vector<std::string> too_many(ring::questions::kMaxChannels + 1, "a");
    EXPECT_EQ(ask({}, {}).head.status, HistoryStatus::Malformed);
    EXPECT_EQ(ask({}, {"a", ""}).head.status, HistoryStatus::Malformed);
    EXPECT_EQ(ask({}, {std::string(1025, 'a')}).head.status, HistoryStatus::Malformed);
    EXPECT_EQ(ask({}, too_many).head.status, HistoryStatus::Malformed);
    EXPECT_EQ(ask({.order = static_cast<Order>(4)}).head.status, HistoryStatus::Malformed);
    EXPECT_TRUE(ask({}, {}).items.empty());
}

}  // namespace
}  // namespace herald::sidecar
