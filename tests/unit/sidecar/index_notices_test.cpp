// Which notices the index's answers have among their events.
#include <gmock/gmock.h>

#include "index_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;

class IndexNotices : public IndexTest {
  protected:
    IndexNotices() { open(); }
};

TEST_F(IndexNotices, NoticesAreOnlyThereWhenAskedFor) {
    put(1, "a");
    put_notice(2, ring::Kind::RedisLost);
    put_notice(3, ring::Kind::RedisBack, 2);
    put(4, "a");
    put_notice(5, ring::Kind::Away);
    put_notice(9, ring::Kind::Gap, 5);
    EXPECT_THAT(ask({}).seqs(), ElementsAre(1, 4));

    const History history = ask({.limit = 2, .notices = 1});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 3, 4, 9));
    EXPECT_EQ(history.head.more, 0u);
    EXPECT_EQ(history.head.newest_seq, 4u);
    const History::Item& back = history.items[1];
    EXPECT_EQ(back.header.kind, ring::Kind::RedisBack);
    EXPECT_EQ(back.header.from_seq, 2u);
    EXPECT_EQ(back.header.at_ms, kStartMs + 3000);
    EXPECT_EQ(back.channel + back.event + back.data, "");
    EXPECT_EQ(history.items[3].header.kind, ring::Kind::Gap);
    EXPECT_EQ(history.items[3].header.from_seq, 5u);
}

TEST_F(IndexNotices, WhatNeverCameIsTold) {
    open();
    put(1, "a");
    put(2, "a");
    index_.skip(2, 9);
    put(10, "a");
    put(11, "b");
    for (int round = 0; round < 2; ++round) {
        const History history = ask({.notices = 1});
        EXPECT_THAT(history.seqs(), ElementsAre(1, 2, 9, 10));
        EXPECT_EQ(history.items[2].header.kind, ring::Kind::Gap);
        EXPECT_EQ(history.items[2].header.from_seq, 2u);
        EXPECT_EQ(history.head.lost_seq, 0u);
        EXPECT_THAT(ask({.notices = 1, .after_seq = 9}).seqs(), ElementsAre(10));
        EXPECT_THAT(ask({.notices = 1, .after_seq = 5}, {"b"}).seqs(), ElementsAre(9, 11));
        index_.commit();
        EXPECT_EQ(open(), 11u);
    }
}

TEST_F(IndexNotices, WhatNeverCameAtItsBeginningIsLost) {
    open();
    index_.skip(0, 4);
    index_.skip(4, 9);
    put(10, "a");
    const History history = ask({.notices = 1});
    EXPECT_THAT(history.seqs(), ElementsAre(10));
    EXPECT_EQ(history.head.lost_seq, 9u);
}

TEST_F(IndexNotices, WhatNeverCameIsOfTheTimeWhenThatShowed) {
    open();
    put(1, "a");
    index_.skip(1, 9);
    EXPECT_THAT(ask({.notices = 1, .since_us = time_of(1000)}).seqs(), ElementsAre(9));
}

TEST_F(IndexNotices, NoticesObeyTheRange) {
    for (uint64_t seq = 1; seq <= 9; ++seq)
        put_notice(seq, ring::Kind::RedisBack, seq - 1);
    put(10, "a");
    EXPECT_THAT(ask({.notices = 1, .after_seq = 7, .up_to_seq = 9}).seqs(), ElementsAre(8, 9));
    EXPECT_THAT(ask({.notices = 1, .since_us = time_of(8)}).seqs(), ElementsAre(9, 10));
    EXPECT_THAT(ask({.notices = 1, .since_us = time_of(8) - 1}).seqs(), ElementsAre(8, 9, 10));
}

TEST_F(IndexNotices, ForwardStopsBeforeTheNoticesBehindWhatItLeavesOut) {
    put(1, "a");
    put_notice(2, ring::Kind::RedisBack, 1);
    put(3, "a");
    put_notice(4, ring::Kind::RedisBack, 3);
    const History history = ask({.limit = 1, .notices = 1});
    EXPECT_THAT(history.seqs(), ElementsAre(1, 2));
    EXPECT_EQ(history.head.more, 1u);
}

TEST_F(IndexNotices, NewestHasTheNoticesBehindItsOldestEvent) {
    put_notice(1, ring::Kind::RedisBack, 0);
    put(2, "a");
    put_notice(3, ring::Kind::RedisBack, 2);
    put(4, "a");
    put_notice(5, ring::Kind::RedisBack, 4);
    EXPECT_THAT(ask({.order = Order::Newest, .limit = 1, .notices = 1}).seqs(), ElementsAre(4, 5));
    const History all = ask({.order = Order::Newest, .limit = 9, .notices = 1});
    EXPECT_THAT(all.seqs(), ElementsAre(2, 3, 4, 5));
    EXPECT_EQ(all.head.more, 0u);
    EXPECT_THAT(ask({.order = Order::Newest, .limit = 1, .notices = 1}, {"nobody"}).seqs(),
                ElementsAre(1, 3, 5));
}

}  // namespace
}  // namespace herald::sidecar
